import { posix } from "node:path";

/** What a change means for the tests. */
interface Touched {
  /** Paths of test files, sorted. */
  readonly tests: readonly string[];
  /** Changed files that no test file stands on. */
  readonly untested: readonly string[];
}

/** With a change of one of these, anything may behave differently. */
const everywhere =
  /^(jest\.config\.js|package(-lock)?\.json|tsconfig\.json|toolchain\/(with-environment|machine-packages\.txt))$/;

/** Who reads what without an import and without a path that is written out. */
export const readers: readonly (readonly [what: RegExp, reader: string])[] = [
  [/^(docs\/.+|[^/]+)\.md$|^Makefile$|^stack\.schema\.json$/, "test/unit/docs.test.ts"],
  [/^(docs\/.+|[^/]+)\.md$|^Pulumi\..+\.yaml$/, "test/unit/toolchain/stack-schema.test.ts"],
  [/^(index\.ts|Pulumi\.yaml)$/, "test/e2e/stack.ts"],
  [/^content\/(apt\/ubuntu-archive|simplestreams\/maas-image)-keys\//, "content/openpgp/keyring.ts"],
  [/^resources\/(provider\.ts|kernel\/engine\/.+)$/, "test/contract/provider-process.ts"],
  // The first lines of a part in sh name the programs that it has.
  [/^resources\/mirror\/apt\/.+\.(perl|awk)$/, "resources/mirror/apt/scripts.ts"],
  [/^resources\/mirror\/images\/.+\.(perl|awk)$/, "resources/mirror/images/scripts.ts"],
  [/^resources\/mirror\/published-tree\/.+\.(perl|awk)$/, "resources/mirror/published-tree/scripts.ts"],
  [/^resources\/host\/signing-key\/.+\.awk$/, "resources/host/signing-key.ts"],
  [/^test\/contract\/kernel\/fixture-project\//, "test/contract/kernel/life-cycle.test.ts"],
  [/^test\/contract\/maas\/recordings\//, "test/contract/maas/recordings.test.ts"],
  [/^toolchain\/stand-ins\//, "test/contract/toolchain/stand-in-process.ts"],
  [/^toolchain\/(set-up$|stand-ins\/|pulumi\/)/, "test/contract/toolchain/set-up.test.ts"],
];

/** Reads all sources, so that it says little of any of them. */
const ofAll = { what: /\.ts$|^docs\/architecture\.md$/, test: "test/unit/architecture.test.ts" } as const;

/**
 * The test files that stand on changed files, through whatever lies between. Beside `readers`, a TypeScript file
 * stands on
 *   - what a path in it leads to, from where it is: imports, but for those of types, and programs that are started, as
 *     in `join(import.meta.dirname, "../lab/main.ts")`;
 *   - what it names that is no TypeScript, wherever that is: `"fetch.sh"`. So a script leads to the tests of the
 *     modules that embed it.
 *
 * @param changed paths in the repository
 * @param files the paths of all files there are, and the texts of those in TypeScript
 */
export function touchedTests(
  changed: readonly string[],
  files: ReadonlyMap<string, string | undefined>,
): Touched {
  if (changed.some((path) => everywhere.test(path))) {
    return { tests: [...files.keys()].filter(isTest).sort(), untested: [] };
  }
  const standing = readersIn(files);
  const tests = new Set<string>();
  const untested: string[] = [];
  for (const path of changed) {
    const found = [...reached(path, standing)].filter(isTest);
    if (found.length === 0) untested.push(path);
    for (const test of found) tests.add(test);
    if (ofAll.what.test(path) && files.has(ofAll.test)) tests.add(ofAll.test);
  }
  return { tests: [...tests].sort(), untested };
}

const isTest = (path: string) => path.endsWith(".test.ts");

/** A file, and whatever stands on it. */
function reached(from: string, standing: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const found = new Set([from]);
  // What is added on the way is looked at, too.
  for (const path of found) for (const reader of standing.get(path) ?? []) found.add(reader);
  return found;
}

/** For each file, the TypeScript files that stand on it. */
function readersIn(files: ReadonlyMap<string, string | undefined>): Map<string, Set<string>> {
  const standing = new Map([...files.keys()].map((path) => [path, new Set<string>()]));
  const named = new Map<string, string[]>();
  for (const path of files.keys()) {
    for (const [what, reader] of readers) if (what.test(path)) standing.get(path)?.add(reader);
    const name = posix.basename(path);
    // A word without a dot would be found in many texts that mean something else.
    if (path.endsWith(".ts") || !name.includes(".")) continue;
    named.set(name, [...(named.get(name) ?? []), path]);
  }
  for (const [reader, text] of files) {
    for (const [, , quoted = ""] of text?.replaceAll(typeImport, "").matchAll(quotedText) ?? []) {
      const path = posix.join(posix.dirname(reader), quoted);
      for (const read of [path, ...(named.get(posix.basename(quoted)) ?? [])]) {
        if (read !== reader) standing.get(read)?.add(reader);
      }
    }
  }
  return standing;
}

const typeImport = /^(import|export) type [^;]*;$/gm;
const quotedText = /(["'`])([^"'`\s]+)\1/g;

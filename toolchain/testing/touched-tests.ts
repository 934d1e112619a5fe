import { posix } from "node:path";

/** The tests that a change concerns. */
interface Touched {
  /** Paths of test files, sorted. */
  readonly tests: readonly string[];
  /** Changed files on which no test file depends. */
  readonly untested: readonly string[];
}

/** Files on which every test depends. */
const everywhere =
  /^(jest\.config\.js|package(-lock)?\.json|tsconfig\.json|toolchain\/(with-environment|machine-packages\.txt|testing\/(jest-resolver\.ts|empty-module\.cjs)))$/;

/** Dependencies without an import and without a literal path: the files, and the file that reads them. */
export const readers: readonly (readonly [what: RegExp, reader: string])[] = [
  [/^(docs\/.+|[^/]+)\.md$|^Makefile$|^stack\.schema\.json$/, "test/unit/docs.test.ts"],
  [/^(docs\/.+|[^/]+)\.md$|^Pulumi\..+\.yaml$/, "test/unit/toolchain/docs/stack-schema.test.ts"],
  [/^(index\.ts|Pulumi\.yaml)$/, "test/e2e/stack.ts"],
  [/^content\/(apt\/ubuntu-archive|simplestreams\/maas-image)-keys\//, "content/openpgp/keyring.ts"],
  [/^resources\/(provider\.ts|kernel\/engine\/.+)$/, "test/contract/provider-process.ts"],
  // The first lines of a part in sh name its programs.
  [/^resources\/mirror\/apt\/.+\.(perl|awk)$/, "resources/mirror/apt/scripts.ts"],
  [/^resources\/mirror\/images\/.+\.(perl|awk)$/, "resources/mirror/images/scripts.ts"],
  [/^resources\/mirror\/published-tree\/.+\.(perl|awk)$/, "resources/mirror/published-tree/scripts.ts"],
  [/^resources\/host\/signing-key\/.+\.awk$/, "resources/host/signing-key.ts"],
  [/^test\/contract\/kernel\/fixture-project\//, "test/contract/kernel/life-cycle.test.ts"],
  [/^test\/contract\/maas\/recordings\//, "test/contract/maas/recordings.test.ts"],
  [/^toolchain\/stand-ins\//, "test/contract/toolchain/stand-in-process.ts"],
  [/^toolchain\/(set-up$|stand-ins\/|pulumi\/)/, "test/contract/toolchain/set-up.test.ts"],
];

/**
 * A test that reads all sources. It is added for each change, but does not count as a test of the changed
 * file.
 */
const ofAll = { what: /\.ts$|^docs\/architecture\.md$/, test: "test/unit/architecture.test.ts" } as const;

/**
 * The test files that depend on changed files, directly or indirectly. In addition to `readers`, a TypeScript file depends
 * on
 *   - each file whose relative path it has: imports, except imports of types, and programs that it starts, as in
 *     `join(import.meta.dirname, "../lab/main.ts")`;
 *   - each file that is not TypeScript and whose name it has, in any directory: `"fetch.sh"`. So the tests of a script are
 *     the tests of the modules that embed it.
 *
 * @param changed paths in the repository
 * @param files the paths of all files, with the texts of the TypeScript files
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

/** A file, and all files that depend on it. */
function reached(from: string, standing: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const found = new Set([from]);
  // The loop also visits the paths that it adds.
  for (const path of found) for (const reader of standing.get(path) ?? []) found.add(reader);
  return found;
}

/** For each file, the TypeScript files that depend on it directly. */
function readersIn(files: ReadonlyMap<string, string | undefined>): Map<string, Set<string>> {
  const standing = new Map([...files.keys()].map((path) => [path, new Set<string>()]));
  const named = new Map<string, string[]>();
  for (const path of files.keys()) {
    for (const [what, reader] of readers) if (what.test(path)) standing.get(path)?.add(reader);
    const name = posix.basename(path);
    // Many texts have a word without a dot and do not mean the file.
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

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
].sort();

describe.each(documents)("%s", (document) => {
  const text = read(document);

  test("links to what is there", () => {
    const broken = linksIn(text).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path ? join(root, dirname(document), path) : join(root, document);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsIn(readFileSync(target, "utf8")).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("names commands that make has", () => {
    const unknown = codeIn(text)
      .flatMap((code) =>
        [...code.matchAll(/(?:^|[^\w-])make ([a-z][a-z-]*)/gm)].map((match) => match[1] ?? ""),
      )
      .filter((target) => !makeTargets().has(target));
    expect(unknown).toEqual([]);
  });
});

test.each([
  ["AptMirror", "docs/apt-mirror.md", "components/apt-mirror/args.ts"],
  ["ImageMirror", "docs/image-mirror.md", "components/image-mirror/args.ts"],
])("every argument of %s is in the document's tables", (component, document, source) => {
  const rows = new Set(
    read(document)
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => /^\| `([^`]+)`/.exec(line)?.[1]),
  );
  const shared = pathsOf(interfaceOf("ServeArgs", "components/serving/mirror-args.ts"));
  const paths = [
    ...pathsOf(interfaceOf(`${component}Args`, source)),
    ...shared.map((path) => `serve.${path}`),
    ...pathsOf(interfaceOf("UpstreamAccessArgs", "components/serving/upstream-args.ts")).map(
      (path) => `upstream.${path}`,
    ),
  ];
  expect(paths).toEqual(expect.arrayContaining(["upstream.url", "serve.path", "serve.tls"]));
  expect(paths.filter((path) => !rows.has(path))).toEqual([]);
});

test("the example of a resource has the lines of the source", () => {
  const source = new Set(linesOf(read("resources/host/sysctl.ts")));
  const shown = [...read("docs/new-resource.md").matchAll(/^```ts\n([\s\S]*?)^```/gm)]
    .flatMap(([, block = ""]) => linesOf(block))
    .filter((line) => !line.startsWith("//"));
  expect(shown).toContain('kind: "Sysctl",');
  expect(shown.filter((line) => !source.has(line))).toEqual([]);
});

function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.trim());
}

/** Relative targets, outside of code. */
function linksIn(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? "")
    .filter((link) => !/^[a-z]+:/.test(link));
}

/** As GitHub makes them of headings: small letters, no punctuation, hyphens for blanks. */
function anchorsIn(text: string): Set<string> {
  const headings = text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, "")
        .replaceAll(/\s/g, "-"),
    ),
  );
}

/** Blocks and spans: in prose, "make" is a word like any other. */
function codeIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```[\s\S]*?^```/gm)].map(([block]) => block);
  const spans = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/`[^`\n]*`/g)].map(([span]) => span);
  return [...blocks, ...spans];
}

function makeTargets(): Set<string> {
  return new Set([...read("Makefile").matchAll(/^([a-z][a-z-]*):/gm)].map((match) => match[1] ?? ""));
}

function interfaceOf(name: string, path: string): string {
  const source = read(path);
  const start = source.indexOf(`export interface ${name} {`);
  return source.slice(start, source.indexOf("\n}\n", start));
}

/** Fields of an interface, nested ones with their parents; `serve.tls` counts as one. */
function pathsOf(source: string): string[] {
  const parents: string[] = [];
  const paths: string[] = [];
  for (const line of source.split("\n").slice(1)) {
    const [, indent = "", name = "", rest = ""] = /^( +)readonly (\w+)\??:(.*)$/.exec(line) ?? [];
    if (!name) continue;
    // Biome indents the fields of an optional object by four more than the object's own.
    parents.length = indent.length <= 2 ? 0 : 1;
    const nested = rest.trim() === "" || rest.trim().endsWith("{");
    if (nested && parents.length === 0) parents[0] = name;
    else paths.push([...parents, name].join("."));
  }
  return paths;
}

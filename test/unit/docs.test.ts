import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { pages, referenceFiles } from "../../toolchain/docs/pages.ts";
import { stackSchema } from "../../toolchain/docs/stack-schema.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  "examples/README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
].sort();

describe.each(documents)("%s", (document) => {
  const text = read(document);

  test("has only links to existing targets", () => {
    const broken = linksIn(text).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path ? join(root, dirname(document), path) : join(root, document);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsIn(readFileSync(target, "utf8")).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("names only existing targets of make", () => {
    const unknown = codeIn(text)
      .flatMap((code) =>
        [...code.matchAll(/(?:^|[^\w-])make ([a-z][a-z-]*)/gm)].map((match) => match[1] ?? ""),
      )
      .filter((target) => !makeTargets().has(target));
    expect(unknown).toEqual([]);
  });
});

describe("the output of `make docs`", () => {
  test("is up to date with the schemas", () => {
    const written = readdirSync(join(root, "docs/reference")).map((file) => [
      file,
      read(join("docs/reference", file)),
    ]);
    expect(Object.fromEntries(written)).toEqual(referenceFiles());
    expect(JSON.parse(read("stack.schema.json"))).toEqual(stackSchema("airgapped-maas"));
  });

  test("has a page for each component and for each resource for hosts", () => {
    const titles = pages.map(({ title }) => title);
    const namesIn = (folder: string, name: RegExp) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .flatMap((file) => [...read(join(folder, file)).matchAll(name)]);
    const components = namesIn("components", /^export class (\w+) extends pulumi\.ComponentResource/gm);
    const resources = namesIn("resources/host", /^ {2}kind: "(\w+)"/gm);
    expect([components.length, resources.length].every((count) => count > 3)).toBe(true);
    expect(titles).toEqual(
      expect.arrayContaining([...components, ...resources].map(([, name]) => String(name))),
    );
  });
});

test("the example in docs/new-resource.md has only lines of the source", () => {
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

/** The anchors that GitHub makes from headings: lowercase letters, no punctuation, hyphens for blanks. */
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

/** Code blocks and spans, because in prose "make" is an ordinary word. */
function codeIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```[\s\S]*?^```/gm)].map(([block]) => block);
  const spans = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/`[^`\n]*`/g)].map(([span]) => span);
  return [...blocks, ...spans];
}

function makeTargets(): Set<string> {
  return new Set([...read("Makefile").matchAll(/^([a-z][a-z-]*):/gm)].map((match) => match[1] ?? ""));
}

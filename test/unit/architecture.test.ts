import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { type Import, importsOf } from "./architecture/imports.ts";
import {
  type Arrows,
  againstArrows,
  circles,
  foreignPackages,
  isIn,
  ofFiles,
  ofFolders,
} from "./architecture/ties.ts";

const root = resolve(import.meta.dirname, "../..");

/** The layers of docs/architecture.md: each folder may import those below it, and none beside it. */
const layers = [
  ["index.ts"],
  ["site"],
  ["components/maas"],
  ["components/*"],
  ["components/region"],
  ["components/serving"],
  ["components/arguments"],
  ["resources/*"],
  ["resources/host"],
  ["resources/kernel"],
  ["content", "hosts", "maas"],
  ["errors"],
  ["values"],
];
const below = Object.fromEntries(
  layers.flatMap((layer, at) => layer.map((folder) => [folder, layers.slice(at + 1).flat()])),
);
const arrows: Arrows = {
  ...below,
  "resources/host": ["resources/kernel", "content", "hosts", "errors", "values"],
  "resources/kernel": ["hosts", "errors", "values"],
  // It is loaded by its path, so nothing imports it.
  "resources/provider.ts": ["resources/*", "resources/host", "resources/kernel", "errors", "values"],
};

const packages = {
  "@pulumi/pulumi": ["resources", "components", "site", "index.ts"],
  "@pulumi/command": ["components"],
  ssh2: ["hosts"],
  "node-ssh": ["hosts"],
};

/** Folders of the project that are not part of the product. */
const besides = ["bench", "docs", "examples", "lab", "node_modules", "test", "toolchain"];

const files = readdirSync(root, { withFileTypes: true })
  .filter(({ name }) => !name.startsWith(".") && !besides.includes(name))
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(root, entry.name), { recursive: true, encoding: "utf8" }).map((name) =>
          join(entry.name, name),
        )
      : [entry.name],
  )
  .filter((name) => name.endsWith(".ts"));
const imports = files.flatMap((path) => importsOf(path, readFileSync(join(root, path), "utf8")));

describe("the product", () => {
  test("is read completely", () => {
    expect(files).toEqual(expect.arrayContaining(["index.ts", "resources/kernel/engine/end-with-engine.ts"]));
    expect(imports.length).toBeGreaterThan(files.length);
  });

  test("has no import that the order of the layers does not allow", () => {
    expect(againstArrows(imports, arrows)).toEqual([]);
  });

  test("imports restricted packages only in the folders that may import them", () => {
    expect(foreignPackages(imports, packages)).toEqual([]);
  });

  test("imports Pulumi's provider protocol only in resources/kernel", () => {
    const others = imports.filter(
      ({ from, to, names }) =>
        !isIn(from, "resources/kernel") &&
        (to.startsWith("@pulumi/pulumi/") || (to === "@pulumi/pulumi" && names.includes("dynamic"))),
    );
    expect(others).toEqual([]);
  });

  test("imports only types of Pulumi in resources outside the kernel", () => {
    const values = imports.filter(
      ({ from, to, typesOnly }) =>
        isIn(from, "resources") && !isIn(from, "resources/kernel") && to === "@pulumi/pulumi" && !typesOnly,
    );
    expect(values).toEqual([]);
  });

  test("has no cycle of imports between files", () => {
    expect(circles(ofFiles(imports))).toEqual([]);
  });

  test("has no cycle of imports between folders", () => {
    expect(circles(ofFolders(imports))).toEqual([]);
  });
});

describe("docs/architecture.md", () => {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");

  test("shows the layers in the order of this test", () => {
    const section = /^## Who may import whom\n+```\n(.*?)\n```$/ms.exec(text)?.[1] ?? "";
    const names = layers.flat();
    const shown = section
      .split("\n")
      .map((line) =>
        line
          .replace(/#.*/, "")
          .split(/ +/)
          .filter((word) => names.includes(word)),
      )
      .filter((line) => line.length > 0);
    expect(shown).toEqual(layers);
  });
});

describe("an import is found", () => {
  test.each<[string, string, Partial<Import>[]]>([
    ["of values", 'import { a } from "../b/c.ts";', [{ to: "b/c.ts", typesOnly: false, names: ["a"] }]],
    ["of types", 'import type { A } from "./c.ts";', [{ to: "a/c.ts", typesOnly: true }]],
    ["of types and values", 'import { type A, b } from "./c.ts";', [{ to: "a/c.ts", typesOnly: false }]],
    ["of types one by one", 'import { type A, type B } from "./c.ts";', [{ to: "a/c.ts", typesOnly: true }]],
    ["for its effect", 'import "./c.ts";', [{ to: "a/c.ts", typesOnly: false }]],
    ["of a re-export", 'export { a } from "./c.ts";', [{ to: "a/c.ts" }]],
    ["of a re-export of all names", 'export * from "./c.ts";', [{ to: "a/c.ts" }]],
    ["of an inline type", 'let a: import("./c.ts").A;', [{ to: "a/c.ts", typesOnly: true }]],
    ["at run time", 'const { a } = await import("./c.ts");', [{ to: "a/c.ts", typesOnly: false }]],
    ["by require", 'const a = require("ssh2/lib/a.js");', [{ to: "ssh2/lib/a.js" }]],
    ["by createRequire", 'createRequire(import.meta.url)("ssh2");', [{ to: "ssh2" }]],
    [
      "with the used names of a package",
      'import * as p from "p"; class A extends p.B { c: p.D.E; f = p.g(); }',
      [{ to: "p", names: ["B", "D", "g"] }],
    ],
    ["but not in a text or a comment", '// import "./c.ts"\nconst a = `import "./c.ts"`;', []],
  ])("%s", (_, text, expected) => {
    expect(importsOf("a/b.ts", text)).toEqual(expected.map((each) => expect.objectContaining(each)));
  });

  test("or refused when its name is not a literal", () => {
    expect(() => importsOf("a/b.ts", "await import(name);")).toThrow("a/b.ts: imports something");
  });
});

describe("in small graphs", () => {
  const tie = (from: string, to: string): Import => ({ from, to, typesOnly: true, names: [] });
  const small: Arrows = { low: [], "mid/own": ["low"], "mid/*": ["mid/own", "low"], "top.ts": ["mid/*"] };

  test.each([
    ["within a folder", "low/a.ts", "low/deep/b.ts"],
    ["down", "mid/one/a.ts", "low/a.ts"],
    ["to a folder beside that has a separate line", "mid/one/a.ts", "mid/own/a.ts"],
    ["from the top", "top.ts", "mid/one/a.ts"],
  ])("an import %s is allowed", (_, from, to) => {
    expect(againstArrows([tie(from, to)], small)).toEqual([]);
  });

  test.each([
    ["up", "low/a.ts", "mid/one/a.ts", "low/a.ts imports mid/one/a.ts: low may import nothing"],
    [
      "to a folder beside",
      "mid/one/a.ts",
      "mid/two/a.ts",
      "mid/one/a.ts imports mid/two/a.ts: mid/one may import mid/own, low",
    ],
    [
      "up from a folder with a line",
      "mid/own/a.ts",
      "mid/one/a.ts",
      "mid/own/a.ts imports mid/one/a.ts: mid/own may import low",
    ],
    [
      "to a layer that is not listed for it",
      "top.ts",
      "low/a.ts",
      "top.ts imports low/a.ts: top.ts may import mid/*",
    ],
    [
      "of a file in no known folder",
      "low/a.ts",
      "test/a.ts",
      "low/a.ts imports test/a.ts, which is in no folder of the architecture",
    ],
    ["from a new folder", "new/a.ts", "low/a.ts", "new/a.ts is in no folder of the architecture"],
    [
      "from a file outside the known folders",
      "mid/a.ts",
      "low/a.ts",
      "mid/a.ts is in no folder of the architecture",
    ],
  ])("an import %s is reported", (_, from, to, reported) => {
    expect(againstArrows([tie(from, to)], small)).toEqual([reported]);
  });

  test("an import of a package, or of a path in it, is reported from a folder that may not import it", () => {
    const ties = [
      tie("low/a.ts", "p"),
      tie("mid/own/a.ts", "p/deep"),
      tie("low/a.ts", "other"),
      tie("mid/a.ts", "p"),
    ];
    expect(foreignPackages(ties, { p: ["low", "mid/own"] })).toEqual([
      "mid/a.ts imports p, which is for low, mid/own",
    ]);
  });

  test("a cycle is reported once, by its shortest path", () => {
    const ties = [
      tie("x/a.ts", "x/b.ts"),
      tie("x/b.ts", "y/c.ts"),
      tie("y/c.ts", "x/a.ts"),
      tie("y/c.ts", "x/b.ts"),
      tie("x/a.ts", "z/d.ts"),
    ];
    expect(circles(ofFiles(ties))).toEqual(["x/a.ts -> x/b.ts -> y/c.ts -> x/a.ts"]);
    expect(circles(ofFolders(ties))).toEqual(["x -> y -> x"]);
    expect(circles(ofFiles(ties.slice(0, 2)))).toEqual([]);
  });

  test("a cycle of folders can exist without a cycle of files", () => {
    const ties = [tie("x/a.ts", "y/a.ts"), tie("y/b.ts", "x/b.ts")];
    expect(circles(ofFiles(ties))).toEqual([]);
    expect(circles(ofFolders(ties))).toEqual(["x -> y -> x"]);
  });
});

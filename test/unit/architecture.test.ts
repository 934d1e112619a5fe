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
  test("is read as a whole", () => {
    expect(files).toEqual(expect.arrayContaining(["index.ts", "resources/kernel/engine/end-with-engine.ts"]));
    expect(imports.length).toBeGreaterThan(files.length);
  });

  test("imports along the arrows", () => {
    expect(againstArrows(imports, arrows)).toEqual([]);
  });

  test("leaves packages to those that they are for", () => {
    expect(foreignPackages(imports, packages)).toEqual([]);
  });

  test("has Pulumi's provider protocol in its kernel alone", () => {
    const others = imports.filter(
      ({ from, to, names }) =>
        !isIn(from, "resources/kernel") &&
        (to.startsWith("@pulumi/pulumi/") || (to === "@pulumi/pulumi" && names.includes("dynamic"))),
    );
    expect(others).toEqual([]);
  });

  test("has of Pulumi, in resources beside the kernel, types alone", () => {
    const values = imports.filter(
      ({ from, to, typesOnly }) =>
        isIn(from, "resources") && !isIn(from, "resources/kernel") && to === "@pulumi/pulumi" && !typesOnly,
    );
    expect(values).toEqual([]);
  });

  test("has no circle of files", () => {
    expect(circles(ofFiles(imports))).toEqual([]);
  });

  test("has no circle of folders", () => {
    expect(circles(ofFolders(imports))).toEqual([]);
  });
});

describe("the document of the architecture", () => {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");

  test("has the layers in this order", () => {
    const section = /^## Who may import whom\n+```\n(.*?)\n```$/ms.exec(text)?.[1] ?? "";
    const names = layers.flat();
    const said = section
      .split("\n")
      .map((line) =>
        line
          .replace(/#.*/, "")
          .split(/ +/)
          .filter((word) => names.includes(word)),
      )
      .filter((line) => line.length > 0);
    expect(said).toEqual(layers);
  });
});

describe("an import is found", () => {
  test.each<[string, string, Partial<Import>[]]>([
    ["of values", 'import { a } from "../b/c.ts";', [{ to: "b/c.ts", typesOnly: false, names: ["a"] }]],
    ["of types", 'import type { A } from "./c.ts";', [{ to: "a/c.ts", typesOnly: true }]],
    ["of types among others", 'import { type A, b } from "./c.ts";', [{ to: "a/c.ts", typesOnly: false }]],
    ["of types one by one", 'import { type A, type B } from "./c.ts";', [{ to: "a/c.ts", typesOnly: true }]],
    ["for its effect", 'import "./c.ts";', [{ to: "a/c.ts", typesOnly: false }]],
    ["of an export from elsewhere", 'export { a } from "./c.ts";', [{ to: "a/c.ts" }]],
    ["of all exports from elsewhere", 'export * from "./c.ts";', [{ to: "a/c.ts" }]],
    ["of a type in place", 'let a: import("./c.ts").A;', [{ to: "a/c.ts", typesOnly: true }]],
    ["while it runs", 'const { a } = await import("./c.ts");', [{ to: "a/c.ts", typesOnly: false }]],
    ["by require", 'const a = require("ssh2/lib/a.js");', [{ to: "ssh2/lib/a.js" }]],
    ["by require of its own", 'createRequire(import.meta.url)("ssh2");', [{ to: "ssh2" }]],
    [
      "with what is used of a package",
      'import * as p from "p"; class A extends p.B { c: p.D.E; f = p.g(); }',
      [{ to: "p", names: ["B", "D", "g"] }],
    ],
    ["in no text and no comment", '// import "./c.ts"\nconst a = `import "./c.ts"`;', []],
  ])("%s", (_, text, expected) => {
    expect(importsOf("a/b.ts", text)).toEqual(expected.map((each) => expect.objectContaining(each)));
  });

  test("or refused, where its name is not written out", () => {
    expect(() => importsOf("a/b.ts", "await import(name);")).toThrow("a/b.ts: imports something");
  });
});

describe("of small graphs", () => {
  const tie = (from: string, to: string): Import => ({ from, to, typesOnly: true, names: [] });
  const small: Arrows = { low: [], "mid/own": ["low"], "mid/*": ["mid/own", "low"], "top.ts": ["mid/*"] };

  test.each([
    ["within a folder", "low/a.ts", "low/deep/b.ts"],
    ["down", "mid/one/a.ts", "low/a.ts"],
    ["to a folder beside that has a line", "mid/one/a.ts", "mid/own/a.ts"],
    ["from the top", "top.ts", "mid/one/a.ts"],
  ])("an import %s is fine", (_, from, to) => {
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
      "past a layer that is not named",
      "top.ts",
      "low/a.ts",
      "top.ts imports low/a.ts: top.ts may import mid/*",
    ],
    [
      "of what is in no folder",
      "low/a.ts",
      "test/a.ts",
      "low/a.ts imports test/a.ts, which is in no folder of the architecture",
    ],
    ["from a new folder", "new/a.ts", "low/a.ts", "new/a.ts is in no folder of the architecture"],
    ["from beside the folders", "mid/a.ts", "low/a.ts", "mid/a.ts is in no folder of the architecture"],
  ])("an import %s is told", (_, from, to, told) => {
    expect(againstArrows([tie(from, to)], small)).toEqual([told]);
  });

  test("a package is told where it is for others, and the parts of it", () => {
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

  test("circles are told, each once, and the shortest way around", () => {
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

  test("a circle of folders need be none of files", () => {
    const ties = [tie("x/a.ts", "y/a.ts"), tie("y/b.ts", "x/b.ts")];
    expect(circles(ofFiles(ties))).toEqual([]);
    expect(circles(ofFolders(ties))).toEqual(["x -> y -> x"]);
  });
});

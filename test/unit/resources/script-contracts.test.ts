import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { headerEntries, programsOf } from "../../../resources/mirror/published-tree/script-part.ts";
import { hostScripts } from "../../../toolchain/lint/host-scripts.ts";
import { type ShellFacts, shellFacts } from "./shell-part.ts";

/*
 * The head of each part of a script states how other parts use it. CONTRIBUTING.md has the format. This test compares the
 * heads with the texts of the parts.
 */

const resources = join(import.meta.dirname, "../../../resources");
const read = (file: string) => readFileSync(file, "utf8");
const below = (ending: string) =>
  readdirSync(resources, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(resources, name))
    .sort();

interface Part extends ShellFacts {
  readonly file: string;
  readonly text: string;
}

const parts = below(".sh").map((file): Part => {
  const text = read(file);
  return { file, text, ...shellFacts(text) };
});
const modules = below(".ts").map(read).join("\n");

/** The entries of a header: the names, and the text for each. */
function entriesOf({ text }: Part, key: string): Map<string, string> {
  return new Map(
    headerEntries(text, key).flatMap(({ names, from }) =>
      names.map((name): [string, string] => [name, from]),
    ),
  );
}

/** The hooks that every kind of tree must define. */
const hooks = parts.flatMap((part) => [...entriesOf(part, "Hooks").keys()]);
const byKind = "a kind of tree";

const definedInModules = new Set(
  [...modules.matchAll(/["'`\n]([a-z_]\w*)\(\) \{/g)].map(([, name = ""]) => name),
);
const isFunctionSomewhere = (name: string) =>
  definedInModules.has(name) || parts.some(({ functions }) => functions.has(name));

/** Whether the other part really has what this part needs from it. */
function isGiven(part: Part, name: string, from: string, kind: "function" | "variable"): boolean {
  if (from === byKind) return hooks.includes(name);
  const file = join(dirname(part.file), from);
  const other = parts.find((candidate) => candidate.file === file);
  if (other && kind === "function") return other.functions.has(name);
  if (other) return other.assigned.has(name) || programsOf(other.text).has(name);
  if (!existsSync(file)) return false;
  const text = read(file);
  return kind === "function" ? text.includes(`${name}() {`) : new RegExp(`\\b${name}=`).test(text);
}

describe.each(parts.map((part): [string, Part] => [relative(resources, part.file), part]))(
  "%s",
  (_, part) => {
    const defines = [...entriesOf(part, "Defines").keys()];
    const own = [...entriesOf(part, "Private").keys()];
    const programs = programsOf(part.text);

    test("lists the functions that it defines, and which of them other parts call", () => {
      expect([...defines, ...own].sort()).toEqual([...part.functions].sort());
      const isCalledElsewhere = (name: string) =>
        parts.some(
          ({ file, functions, called }) => file !== part.file && called.has(name) && !functions.has(name),
        );
      expect(own.filter(isCalledElsewhere)).toEqual([]);
      const isFor = (name: string) =>
        isCalledElsewhere(name) || hooks.includes(name) || new RegExp(`\\b${name}\\b`).test(modules);
      expect(defines.filter((name) => !isFor(name))).toEqual([]);
    });

    test("lists the functions that it needs, and what defines them", () => {
      const needs = entriesOf(part, "Needs functions");
      const called = [...part.called].filter(
        (name) => isFunctionSomewhere(name) && !part.functions.has(name),
      );
      expect([...needs.keys()].sort()).toEqual(called.sort());
      expect([...needs].filter(([name, from]) => !isGiven(part, name, from, "function"))).toEqual([]);
    });

    test("lists the variables that it needs, and what sets them", () => {
      const needs = entriesOf(part, "Needs variables");
      const lacks = [...part.used].filter((name) => !part.assigned.has(name) && !programs.has(name));
      expect(lacks.filter((name) => !needs.has(name))).toEqual([]);
      expect([...needs.keys()].filter((name) => !part.used.has(name))).toEqual([]);
      expect([...needs].filter(([name, from]) => !isGiven(part, name, from, "variable"))).toEqual([]);
    });

    test("has its programs in separate files, and calls them all", () => {
      expect(part.programs.filter((program) => program.split("\n").length > 3)).toEqual([]);
      expect([...programs.keys()].filter((name) => !part.used.has(name) && !isUsedElsewhere(name))).toEqual(
        [],
      );
    });

    function isUsedElsewhere(name: string): boolean {
      return parts.some((other) => entriesOf(other, "Needs variables").has(name));
    }
  },
);

test("each program file is set by a part or read by a module", () => {
  const set = parts.flatMap(({ file, text }) =>
    [...programsOf(text).values()].flat().map((name) => join(dirname(file), name)),
  );
  const unused = [...below(".perl"), ...below(".awk")].filter(
    (file) => !set.includes(file) && !modules.includes(`"${file.split("/").at(-1)}"`),
  );
  expect(unused).toEqual([]);
});

test("each kind of tree has each hook once", async () => {
  const jobs = [...(await hostScripts())].filter(([name]) => name.startsWith("publish/"));
  expect(jobs.map(([name]) => name.replace(/^publish\/([a-z]+).*/, "$1"))).toEqual(
    expect.arrayContaining(["apt", "images", "custom"]),
  );
  expect(hooks.length).toBeGreaterThan(0);
  const wrong = jobs.flatMap(([name, script]) => {
    const its = parts.filter(({ text }) => script.includes(text));
    return hooks
      .filter(
        (hook) =>
          its.filter(({ functions, assigned }) => functions.has(hook) || assigned.has(hook)).length !== 1,
      )
      .map((hook) => `${name}: ${hook}`);
  });
  expect(wrong).toEqual([]);
});

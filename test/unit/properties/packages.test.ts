import { posix } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { IndexBudget } from "../../../content/apt/index-budget.ts";
import { readPackages, readSources } from "../../../content/apt/packages.ts";
import { digest, sanePath, size } from "./upstream-values.ts";

const characters = (all: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...all), minLength, maxLength });
const begun = (first: string, rest: string, maxLength = 8) =>
  fc.tuple(characters(first, 1, 1), characters(rest, 0, maxLength)).map((parts) => parts.join(""));

const name = begun("azAZ09_", "azAZ09_+.~-");
const version = characters("azAZ09.+:~_%@^=-", 1, 10);
const architecture = fc.oneof(fc.constantFrom("amd64", "all", "source"), begun("azAZ09", "azAZ09_-"));
const poolPath = sanePath.filter((path) => path !== "pool" && path !== "dists");
const relation = fc.array(begun("az", "az09+.-"), { minLength: 1, maxLength: 3 });

const packageFacts = fc.record({ name, version, architecture, path: poolPath, size, sha256: digest });
const optional = fc.record({
  section: fc.option(begun("az", "az-")),
  component: fc.option(begun("az", "az-")),
  source: fc.option(name),
  sourceVersion: fc.option(version.filter((text) => !/[()/]/.test(text))),
  phase: fc.option(fc.nat({ max: 99 })),
  depends: fc.option(relation),
  /** Whether the relation is written on several lines. */
  folded: fc.boolean(),
  description: characters("az .,", 1, 20).map((text) => `x${text}x`),
});

type Facts = Readonly<Record<"name" | "version" | "architecture" | "path" | "sha256", string>> & {
  readonly size: number;
};

type Line = readonly [field: string, value: string];

/** A package's fields, in any order. */
const writtenPackage = fc.tuple(packageFacts, optional).chain(([facts, more]) => {
  const { section, component, source, sourceVersion, phase, depends, folded, description } = more;
  const lines: (Line | undefined)[] = [
    ["Package", facts.name],
    ["Version", facts.version],
    ["Architecture", facts.architecture],
    ["Filename", facts.path],
    ["Size", String(facts.size)],
    ["SHA256", facts.sha256],
    section === null ? undefined : ["Section", component === null ? section : `${component}/${section}`],
    source === null ? undefined : ["Source", source + (sourceVersion === null ? "" : ` (${sourceVersion})`)],
    phase === null ? undefined : ["Phased-Update-Percentage", String(phase)],
    depends === null ? undefined : ["Depends", depends.join(folded ? ",\n " : ", ")],
    ["Description", description],
  ];
  const expected = {
    ...facts,
    section: section ?? "",
    source: source ?? facts.name,
    phase: phase ?? undefined,
    depends: depends?.join(", "),
  };
  return inAnyOrder(lines.filter((line) => line !== undefined)).map((text) => ({ facts, expected, text }));
});

function inAnyOrder(lines: readonly Line[]): fc.Arbitrary<string> {
  return fc
    .shuffledSubarray([...lines], { minLength: lines.length })
    .map((all) => all.map(([field, text]) => `${field}: ${text}\n`).join(""));
}

const packagesOf = (text: string) =>
  readPackages([Buffer.from(text, "latin1")], "Packages", new IndexBudget());

describe("an index of packages", () => {
  test("is read as it was written", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(writtenPackage, { maxLength: 4 }), async (all) => {
        const { packages, odd } = await packagesOf(all.map(({ text }) => `${text}\n`).join(""));
        expect(odd).toEqual([]);
        const found = packages.map((one) => ({
          ...factsOf(one),
          section: one.section,
          source: one.source,
          phase: one.phase,
          depends: one.field("Depends"),
        }));
        expect(found).toEqual(all.map(({ expected }) => expected));
      }),
      { numRuns: 100 },
    );
  });

  test("with one byte changed gives valid packages that differ in at most one fact, or odd packages", async () => {
    const two = fc.tuple(writtenPackage, writtenPackage);
    await fc.assert(
      fc.asyncProperty(two, mutation, async (all, change) => {
        const { packages, odd } = await packagesOf(change(all.map(({ text }) => text).join("\n")));
        for (const one of packages) {
          expectSound(one);
          expect(
            leastDifference(
              factsOf(one),
              all.map(({ facts }) => facts),
            ),
          ).toBeLessThanOrEqual(1);
        }
        for (const { why } of odd) expect(why).toMatch(/^at byte \d+ (has|lacks|begins) /);
        // A line end at a wrong place splits a stanza, or joins two.
        expect(packages.length + odd.length).toBeGreaterThanOrEqual(1);
        expect(packages.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 300 },
    );
  });
});

const inFileName = begun("az09", "az09_+.~-");

const writtenSource = fc
  .record({
    name,
    version,
    directory: sanePath,
    files: fc.uniqueArray(fc.record({ file: inFileName, size, sha256: digest, sha1: digest, md5: digest }), {
      minLength: 1,
      maxLength: 3,
      selector: ({ file }) => file,
    }),
    others: fc.subarray(["Files", "Checksums-Sha1"]),
  })
  .chain(({ name, version, directory, files, others }) => {
    const list = (digestOf: (one: (typeof files)[number]) => string) =>
      files.map((one) => `\n ${digestOf(one)} ${one.size} ${one.file}`).join("");
    const lists: Record<string, string> = {
      Files: list(({ md5 }) => md5.slice(0, 32)),
      "Checksums-Sha1": list(({ sha1 }) => sha1.slice(0, 40)),
    };
    const lines: Line[] = [
      ["Package", name],
      ["Version", version],
      ["Directory", directory],
      ["Checksums-Sha256", list(({ sha256 }) => sha256)],
      ...others.map((field): Line => [field, lists[field] ?? ""]),
    ];
    const facts = files.map(({ file, size, sha256 }) => {
      return { name, version, architecture: "source", path: `${directory}/${file}`, size, sha256 };
    });
    return inAnyOrder(lines).map((text) => ({ facts, text, twice: others.length > 0 }));
  });

const sourcesOf = (text: string) => readSources([Buffer.from(text, "latin1")], "Sources", new IndexBudget());

describe("an index of sources", () => {
  test("is read as it was written", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(writtenSource, { maxLength: 3 }), async (all) => {
        const { sources, odd } = await sourcesOf(all.map(({ text }) => text).join("\n"));
        expect(odd).toEqual([]);
        const found = sources.map((one) => factsOf({ ...one, architecture: "source" }));
        expect(found).toEqual(all.flatMap(({ facts }) => facts));
      }),
      { numRuns: 100 },
    );
  });

  test("with one byte changed gives only valid files that differ in at most one fact", async () => {
    await fc.assert(
      fc.asyncProperty(writtenSource, mutation, async ({ facts, text, twice }, change) => {
        const { sources } = await sourcesOf(change(text));
        for (const one of sources) {
          expectSound({ ...one, architecture: "source" });
          // The facts of a file that is in two lists must not differ.
          const named = facts.some(
            ({ path, size }) => posix.basename(path) === posix.basename(one.path) && size === one.size,
          );
          if (twice) expect(named).toBe(true);
          expect(leastDifference(factsOf({ ...one, architecture: "source" }), facts)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Replaces, deletes or inserts one byte of a text. */
const mutation = fc
  .record({
    at: fc.nat(),
    byte: fc.oneof(
      fc.constantFrom(..."\n\r\0 \t:/.%#-0aA\x7f\xa0"),
      fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)),
    ),
    removed: fc.nat({ max: 1 }),
    added: fc.nat({ max: 1 }),
  })
  .map(({ at, byte, removed, added }) => (text: string) => {
    const from = at % text.length;
    return text.slice(0, from) + byte.repeat(added) + text.slice(from + removed);
  });

function factsOf({ name, version, architecture, path, size, sha256 }: Facts): Facts {
  return { name, version, architecture, path, size, sha256 };
}

/** The properties of everything that is read from an index. */
function expectSound({ name, version, architecture, path, size, sha256 }: Facts): void {
  for (const one of [name, version, architecture, path]) expect(one).toMatch(/^[\x21-\x7e]+$/);
  for (const one of [name, version, architecture]) expect(one).not.toContain("/");
  expect(posix.resolve("/srv/mirror", path)).toBe(`/srv/mirror/${path}`);
  expect(path.length).toBeLessThanOrEqual(1000);
  expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
}

/** The number of facts that differ from the most similar package. */
function leastDifference(one: Facts, all: readonly Facts[]): number {
  const keys = Object.keys(one) as (keyof Facts)[];
  return Math.min(...all.map((other) => keys.filter((key) => one[key] !== other[key]).length));
}

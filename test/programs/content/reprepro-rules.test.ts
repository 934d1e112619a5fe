import { describe, expect, test } from "@jest/globals";
import { IndexBudget } from "../../../content/apt/index-budget.ts";
import { poolPath } from "../../../content/apt/local-merge.ts";
import { readPackages } from "../../../content/apt/packages.ts";
import { sha256, stanza } from "../../unit/content/small-archive.ts";
import { takenByReprepro } from "./stanza-oracles.ts";

const read = async (text: string) => {
  const { packages, odd } = await readPackages([Buffer.from(text)], "Packages", new IndexBudget());
  expect(odd).toEqual([]);
  return packages;
};

let count = 0;
/** A package whose name, version or other fields may be invalid. */
function given(fields: Record<string, string>): string {
  count += 1;
  const path = `pool/x${count}.deb`;
  const digest = sha256(path);
  const SHA256 = fields.SHA256 === "capitals" ? digest.toUpperCase() : digest;
  return stanza(`a${count}`, "1", { Filename: path, Size: String(path.length), ...fields, SHA256 });
}

const filesOf = (packages: readonly { readonly path: string }[]) =>
  new Map(packages.map(({ path }) => [path, path]));

describe("packages for reprepro", () => {
  test("reprepro accepts a package that is not unfit, and keeps it at the expected path", async () => {
    const text = [
      {},
      { Package: "0ad" },
      { Package: "a+b-c.d" },
      { Package: "constructor" },
      { Version: "1.2+3~4-5" },
      { Version: "v1" },
      { Version: "1A" },
      { Version: "1:2" },
      { Version: "1:2:3" },
      { Source: "b" },
      { Source: "b (1.0)" },
      { Source: "lib" },
      { Source: "libx" },
      { Size: "0012" },
    ]
      .map((fields) => given({ Description: "x", ...fields }))
      .join("");
    const packages = await read(text);
    expect(packages.filter(({ unfit }) => unfit !== undefined)).toEqual([]);
    const taken = takenByReprepro(Buffer.from(text), filesOf(packages));
    expect(taken).toEqual(
      new Map(
        packages.map((found) => [
          found.name,
          {
            name: found.name,
            version: found.version,
            path: poolPath(found, "main"),
            size: String(found.size),
            sha256: found.sha256,
          },
        ]),
      ),
    );
  });

  test.each<[string, Record<string, string>]>([
    ["capitals in a name", { Package: "Upper" }],
    ["an underscore in a name", { Package: "a_b" }],
    ["a tilde in a name", { Package: "a~b" }],
    ["a name that begins with an underscore", { Package: "_a" }],
    ["a version that begins with a tilde", { Version: "~1" }],
    ["a version that begins with a dot", { Version: ".1" }],
    ["an underscore in a version", { Version: "1_2" }],
    ["a percent sign in a version", { Version: "1%3a2" }],
    ["an epoch of letters", { Version: "a:2" }],
    ["an equals sign in a version", { Version: "1=2" }],
    ["capitals in a source", { Source: "Upper" }],
    ["an underscore in a source", { Source: "a_b" }],
    ["a source with a path to another directory", { Source: "../../etc/cron.d" }],
    ["a source of two dots", { Source: ".." }],
    ["a source with a word after it", { Source: "b c" }],
    ["a source with an open bracket", { Source: "b (1" }],
    ["an MD5 sum that is not hexadecimal", { MD5sum: "xyz" }],
    ["a SHA256 in capitals", { SHA256: "capitals" }],
    ["a name that is too long for a file", { Package: "a".repeat(180), Version: `1.${"0".repeat(80)}` }],
  ])("a package with %s is unfit, and reprepro does not accept it", async (_, fields) => {
    const text = given(fields);
    const packages = await read(text);
    const [found] = packages;
    if (!found) throw new Error("it was not read");
    expect(found.unfit).toBeDefined();
    const taken = takenByReprepro(Buffer.from(text), filesOf(packages));
    expect(taken instanceof Map && taken.has(found.name)).toBe(false);
  });

  test("a package that other tools read differently, or that reprepro cannot compare later, is unfit", async () => {
    const unfit = async (text: string) => (await read(text))[0]?.unfit;
    expect(await unfit(given({ Version: "1:" }))).toMatch(/version "1:"/);
    expect(await unfit(given({ Source: "b(1.0)" }))).toMatch(/Source is invalid/);
    expect(await unfit(given({ Homepage: "x", homepage: "y" }))).toMatch(/has homepage twice/);
    expect(await unfit(given({ Description: "x\n \t\n y" }))).toMatch(/has a line of blanks only/);
    expect(await unfit(given({ Description: "x\0y" }))).toMatch(/has a NUL character/);
    expect(await unfit(`${given({})}\r\n${given({})}`)).toMatch(/carriage returns instead of empty lines/);
    expect(await unfit(given({ Section: "net\r" }))).toMatch(/has a carriage return after its section/);
    expect(await unfit(given({ Homepage: "x", Homepagf: "y", Homepag: "z" }))).toBeUndefined();
  });
});

import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { type Accepted, checkRelease, parseRelease, type Release } from "../../../content/apt/release.ts";
import { made, now, releaseText } from "./small-archive.ts";

const index: [string, Buffer] = ["main/binary-amd64/Packages.gz", Buffer.from("x")];
const text = (fields: Record<string, string> = {}, entries = [index]) =>
  releaseText("noble", entries, fields);
const parse = (signed: string) => parseRelease(signed, "dists/noble/InRelease");
const check = (signed: string, suite = "noble", more: object = {}) =>
  checkRelease(parse(signed), "dists/noble/InRelease", {
    suite,
    components: ["main"],
    architectures: ["amd64"],
    now,
    ...more,
  });

describe("a Release is read once, as apt reads it", () => {
  test("fields are found whatever the case of their names, and spelled as apt spells them", () => {
    const release = parse(
      text().replace("Origin:", "oRIGIN:").replace("Date:", "DATE:").replace("SHA256:", "sha256:"),
    );
    expect([release.header.Origin, release.date.toISOString(), release.entries.size]).toEqual([
      "Ubuntu",
      "2026-06-01T06:00:00.000Z",
      1,
    ]);
  });

  test("a validity in small letters is one", () => {
    expect(() => check(text({ "valid-until": "Sun, 31 May 2026 12:00:00 UTC" }))).toThrow(
      /valid until 2026-05-31/,
    );
  });

  test("rows of blanks, however long, are blanks", () => {
    const row = " ".repeat(4_000_000);
    // With exponential time it would not end in hours.
    const read = (signed: string): Release =>
      runInNewContext("parse(signed)", { parse, signed }, { timeout: 60_000 });
    expect(read(text({ Label: `${row}a${row}b${row}` })).header.Label).toBe(`a${row}b`);
    expect(() => read(text({ Label: `a${row}\u0001${row}` }))).toThrow(/Label has control characters/);
  });

  test.each(["\u0085", "\u009b31m", "\u2028", "\r", "\u001b[31m"])(
    "%j in a field would be carried out by a terminal",
    (odd) => {
      expect(() => parse(text({ Label: `a${odd}b` }))).toThrow(/Label has control characters/);
    },
  );

  test("of very many components that it has, some are named", () => {
    const many = Array.from({ length: 20_000 }, (_, n): [string, Buffer] => [
      `c${n}/binary-amd64/Packages.gz`,
      Buffer.from("x"),
    ]);
    expect(() => check(text({}, many))).toThrow(/has no component main\n.*c0, c1, .* and 19950 more\.$/s);
  });

  test.each([
    ["another case", "SUITE: jammy", /Suite is listed twice/],
    ["the same", "Suite: noble", /Suite is listed twice/],
    ["another case of the list", "Sha256:", /SHA256 is listed twice/],
  ])("a field twice, in %s, is refused", (_, line, message) => {
    expect(() => parse(text().replace("SHA256:", `${line}\nSHA256:`))).toThrow(message);
  });

  test.each([
    "Suite",
    "Codename",
    "Origin",
    "Label",
    "Date",
    "Valid-Until",
    "Components",
    "Architectures",
    "Acquire-By-Hash",
  ])("%s is one value, and goes on in no further line", (field) => {
    const signed = text({ "Valid-Until": made, Label: "x" });
    const continued = signed.replace(new RegExp(`^(${field}: .*)$`, "m"), "$1\n  more");
    expect(continued).not.toBe(signed);
    expect(() => parse(continued)).toThrow(new RegExp(`${field} has a second line`));
  });

  test("a description may go on, and a list is what stands below its name", () => {
    const release = parse(
      text({ Description: "one\n two" }).replace("SHA256:", `SHA1:\n ${"0".repeat(40)} 1 main/x\nSHA256:`),
    );
    expect([release.header.Description, [...release.entries.keys()]]).toEqual(["one", [index[0]]]);
  });

  test("what stands behind the first stanza is nothing", () => {
    const { entries, header } = parse(
      `${text()}\n\nLabel: other\nSHA256:\n ${"0".repeat(64)} 1 main/binary-amd64/Packages.gz`,
    );
    expect([entries.size, header.Label]).toEqual([1, undefined]);
  });

  test("names that objects have of themselves are fields like others", () => {
    const { header } = parse(text({ constructor: "a", toString: "b" }));
    expect([header.constructor, header.toString, header.hasOwnProperty]).toEqual(["a", "b", undefined]);
    expect(JSON.parse(JSON.stringify(header)).constructor).toBe("a");
  });

  test("a path that no client can ask for stops nothing, one that leads elsewhere does", () => {
    const line = (path: string) => `${text()}\n ${"0".repeat(64)} 1 ${path}`;
    expect(parse(line("main/odd%20name?x")).entries.size).toBe(1);
    expect([...parse(line("./extra")).entries.keys()]).toContain("extra");
    for (const path of ["../x", "main/../../x", "/etc/x", "./../x", ".//etc/x"]) {
      expect(() => parse(line(path))).toThrow(/has an invalid Filename|lists an invalid path/);
    }
  });

  test.each([
    ["yes", true],
    ["true", true],
    ["1", true],
    ["no", false],
    ["maybe", false],
  ])("by hash is %s: %s", (value, expected) => {
    expect(parse(text({ "Acquire-By-Hash": value })).byHash).toBe(expected);
  });
});

describe("the suite that a Release is of", () => {
  test.each([
    ["by Suite", "noble", { Suite: "noble", Codename: "x" }],
    ["by Codename", "noble", { Suite: "stable", Codename: "noble" }],
    ["that says neither", "noble", { Suite: "", Codename: "" }],
    ["with a slash", "noble-updates/epoxy", { Suite: "noble-updates/epoxy", Codename: "noble" }],
    ["by the beginning of its path", "jammy/mongodb-org/7.0", { Suite: "x", Codename: "jammy/mongodb-org" }],
    ["of a flat repository, by its path", "binary/", { Suite: "anything", Codename: "" }],
  ])("is taken %s", (_, suite, names) => {
    expect(check(text(names), suite)).toEqual([]);
  });

  test.each([
    ["another", "noble", { Suite: "jammy", Codename: "jammy" }],
    ["a pocket of it", "noble", { Suite: "noble-updates", Codename: "noble" }],
    ["the end of its path", "noble-updates/epoxy", { Suite: "epoxy", Codename: "" }],
    ["the beginning of a part of its path", "noble-updates/epoxy", { Suite: "noble", Codename: "" }],
    ["an alias of it", "stable", { Suite: "noble", Codename: "noble" }],
  ])("is not %s, unless somebody says why", (_, suite, names) => {
    expect(() => check(text(names), suite)).toThrow(/not of .*\n.*upstream\.accept\.otherSuite/);
    expect(check(text(names), suite, { accept: { otherSuite: "the vendor's alias" } })).toEqual([
      expect.stringMatching(/^accepted: dists\/noble\/InRelease: it is for suite .* \(the vendor's alias\)$/),
    ]);
  });
});

describe("what is accepted with a reason", () => {
  test.each<[keyof Accepted, Record<string, string>, RegExp]>([
    ["expired", { "Valid-Until": "Sun, 31 May 2026 12:00:00 UTC" }, /valid until 2026-05-31/],
    ["missingDate", { Date: "" }, /it has no Date/],
    ["missingDate", { Date: "yesterday" }, /its Date cannot be read: yesterday/],
    ["missingDate", { Date: "Sun, 31 Feb 2026 12:00:00 UTC" }, /cannot be read/],
  ])("%s: refused, or said in every preview", (kind, fields, found) => {
    expect(() => check(text(fields))).toThrow(found);
    expect(() => check(text(fields))).toThrow(`upstream.accept.${kind}`);
    const others = { expired: "x", missingDate: "x", weakSignature: "x", otherSuite: "x", [kind]: undefined };
    expect(() => check(text(fields), "noble", { accept: others })).toThrow(found);
    const [line] = check(text(fields), "noble", { accept: { [kind]: "a snapshot" } });
    expect(line).toMatch(found);
    expect(line).toMatch(/^accepted: .*\(a snapshot\)$/);
  });

  test("is not accepted by a name that objects inherit", () => {
    const accept = Object.create({ expired: "inherited" });
    expect(() =>
      check(text({ "Valid-Until": "Sun, 31 May 2026 12:00:00 UTC" }), "noble", { accept }),
    ).toThrow(/valid until/);
  });

  test("a date before the one accepted last is an acceptance of its own", () => {
    const accept = { expired: "x", missingDate: "x", otherSuite: "x" };
    const seen = "2026-06-01T06:00:01Z";
    expect(() => check(text(), "noble", { accept, seen })).toThrow(
      /upstream went back[\s\S]*upstream\.accept\.older/,
    );
    expect(check(text(), "noble", { accept: { older: "snapshot" }, seen })).toEqual([
      expect.stringMatching(/^accepted: .*upstream went back \(snapshot\)$/),
    ]);
    expect(check(text(), "noble", { accept: { older: "snapshot" } })).toEqual([]);
  });
});

describe("components and architectures", () => {
  test("are those that have indices, whatever the Release lists", () => {
    const paths = ["main", "main/debug", "updates/contrib"].map((each): [string, Buffer] => [
      `${each}/binary-amd64/Packages.xz`,
      Buffer.from("x"),
    ]);
    const listed = text({ Components: "updates/main main/debug empty", Architectures: "" }, paths);
    expect(parse(listed).components).toEqual(["main/debug", "main", "updates/contrib"]);
    expect(parse(listed).architectures).toEqual(["amd64"]);
    expect(parse(text({ Components: "" })).components).toEqual(["main"]);
  });

  test("that are not there are named with those that are, and never all of them as one to choose", () => {
    expect(() => check(text(), "noble", { components: ["universe"] })).toThrow(
      /no component universe\n.*: main\./,
    );
    const all = text({ Architectures: "all amd64 source" });
    expect(() => check(all, "noble", { architectures: ["arm64"] })).toThrow(
      /no architecture arm64\n.*Choose from: amd64\./,
    );
  });

  test("of an archive that has packages for all of them only are whatever machines there are", () => {
    expect(check(text({ Architectures: "all" }), "noble", { architectures: ["amd64", "arm64"] })).toEqual([]);
  });
});

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

describe("parsing a Release as apt does", () => {
  test("ignores the case of field names, and returns them as apt spells them", () => {
    const release = parse(
      text().replace("Origin:", "oRIGIN:").replace("Date:", "DATE:").replace("SHA256:", "sha256:"),
    );
    expect([release.header.Origin, release.date.toISOString(), release.entries.size]).toEqual([
      "Ubuntu",
      "2026-06-01T06:00:00.000Z",
      1,
    ]);
  });

  test("applies Valid-Until if its name is in lower case", () => {
    expect(() => check(text({ "valid-until": "Sun, 31 May 2026 12:00:00 UTC" }))).toThrow(
      /valid until 2026-05-31/,
    );
  });

  test("handles millions of blanks in a value quickly: removes them at its ends, keeps them inside", () => {
    const row = " ".repeat(4_000_000);
    // With quadratic time it would not end in hours.
    const read = (signed: string): Release =>
      runInNewContext("parse(signed)", { parse, signed }, { timeout: 60_000 });
    expect(read(text({ Label: `${row}a${row}b${row}` })).header.Label).toBe(`a${row}b`);
    expect(() => read(text({ Label: `a${row}\u0001${row}` }))).toThrow(/Label has control characters/);
  });

  test.each(["\u0085", "\u009b31m", "\u2028", "\r", "\u001b[31m"])(
    "refuses %j in a field, because a terminal may interpret it",
    (odd) => {
      expect(() => parse(text({ Label: `a${odd}b` }))).toThrow(/Label has control characters/);
    },
  );

  test("names only 50 of very many available components in the error", () => {
    const many = Array.from({ length: 20_000 }, (_, n): [string, Buffer] => [
      `c${n}/binary-amd64/Packages.gz`,
      Buffer.from("x"),
    ]);
    expect(() => check(text({}, many))).toThrow(/has no component main\n.*c0, c1, .* and 19950 more\.$/s);
  });

  test.each([
    ["the name in another case", "SUITE: jammy", /Suite is listed twice/],
    ["the same name and value", "Suite: noble", /Suite is listed twice/],
    ["the list SHA256, with its name in another case", "Sha256:", /SHA256 is listed twice/],
  ])("refuses a duplicate field: %s", (_, line, message) => {
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
  ])("refuses a second line of %s", (field) => {
    const signed = text({ "Valid-Until": made, Label: "x" });
    const continued = signed.replace(new RegExp(`^(${field}: .*)$`, "m"), "$1\n  more");
    expect(continued).not.toBe(signed);
    expect(() => parse(continued)).toThrow(new RegExp(`${field} has a second line`));
  });

  test("accepts a second line of Description, and reads only the lines below SHA256 as its list", () => {
    const release = parse(
      text({ Description: "one\n two" }).replace("SHA256:", `SHA1:\n ${"0".repeat(40)} 1 main/x\nSHA256:`),
    );
    expect([release.header.Description, [...release.entries.keys()]]).toEqual(["one", [index[0]]]);
  });

  test("ignores everything after the first stanza", () => {
    const { entries, header } = parse(
      `${text()}\n\nLabel: other\nSHA256:\n ${"0".repeat(64)} 1 main/binary-amd64/Packages.gz`,
    );
    expect([entries.size, header.Label]).toEqual([1, undefined]);
  });

  test("treats names of object properties, such as constructor, as ordinary fields", () => {
    const { header } = parse(text({ constructor: "a", toString: "b" }));
    expect([header.constructor, header.toString, header.hasOwnProperty]).toEqual(["a", "b", undefined]);
    expect(JSON.parse(JSON.stringify(header)).constructor).toBe("a");
  });

  test("ignores a path that no client can request, and refuses absolute paths and paths with '..'", () => {
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
  ])("reads Acquire-By-Hash: %s as %s", (value, expected) => {
    expect(parse(text({ "Acquire-By-Hash": value })).byHash).toBe(expected);
  });
});

describe("the suite of a Release", () => {
  test.each([
    ["by Suite", "noble", { Suite: "noble", Codename: "x" }],
    ["by Codename", "noble", { Suite: "stable", Codename: "noble" }],
    ["without Suite and Codename", "noble", { Suite: "", Codename: "" }],
    ["with a slash in its name", "noble-updates/epoxy", { Suite: "noble-updates/epoxy", Codename: "noble" }],
    [
      "by the first parts of its path",
      "jammy/mongodb-org/7.0",
      { Suite: "x", Codename: "jammy/mongodb-org" },
    ],
    ["with any name for a flat repository", "binary/", { Suite: "anything", Codename: "" }],
  ])("is accepted %s", (_, suite, names) => {
    expect(check(text(names), suite)).toEqual([]);
  });

  test.each([
    ["another suite", "noble", { Suite: "jammy", Codename: "jammy" }],
    ["a pocket of the requested suite", "noble", { Suite: "noble-updates", Codename: "noble" }],
    ["only the end of the requested path", "noble-updates/epoxy", { Suite: "epoxy", Codename: "" }],
    [
      "only the beginning of a part of the requested path",
      "noble-updates/epoxy",
      { Suite: "noble", Codename: "" },
    ],
    ["the suite for which the request is an alias", "stable", { Suite: "noble", Codename: "noble" }],
  ])("is refused if it is %s, and accepted if a reason is given", (_, suite, names) => {
    expect(() => check(text(names), suite)).toThrow(/not of .*\n.*upstream\.accept\.otherSuite/);
    expect(check(text(names), suite, { accept: { otherSuite: "the vendor's alias" } })).toEqual([
      expect.stringMatching(/^accepted: dists\/noble\/InRelease: it is for suite .* \(the vendor's alias\)$/),
    ]);
  });
});

describe("a failed check of a Release", () => {
  test.each<[keyof Accepted, Record<string, string>, RegExp]>([
    ["expired", { "Valid-Until": "Sun, 31 May 2026 12:00:00 UTC" }, /valid until 2026-05-31/],
    ["missingDate", { Date: "" }, /it has no Date/],
    ["missingDate", { Date: "yesterday" }, /its Date cannot be read: yesterday/],
    ["missingDate", { Date: "Sun, 31 Feb 2026 12:00:00 UTC" }, /cannot be read/],
  ])("is refused without its reason, and accepted and reported with it: %s for %j", (kind, fields, found) => {
    expect(() => check(text(fields))).toThrow(found);
    expect(() => check(text(fields))).toThrow(`upstream.accept.${kind}`);
    const others = { expired: "x", missingDate: "x", weakSignature: "x", otherSuite: "x", [kind]: undefined };
    expect(() => check(text(fields), "noble", { accept: others })).toThrow(found);
    const [line] = check(text(fields), "noble", { accept: { [kind]: "a snapshot" } });
    expect(line).toMatch(found);
    expect(line).toMatch(/^accepted: .*\(a snapshot\)$/);
  });

  test("is refused if its reason is only an inherited property", () => {
    const accept = Object.create({ expired: "inherited" });
    expect(() =>
      check(text({ "Valid-Until": "Sun, 31 May 2026 12:00:00 UTC" }), "noble", { accept }),
    ).toThrow(/valid until/);
  });

  test("is refused for a date before the last accepted one, unless the reason `older` is given", () => {
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

describe("components and architectures of a Release", () => {
  test("are taken from its indices: components always, architectures if it lists none", () => {
    const paths = ["main", "main/debug", "updates/contrib"].map((each): [string, Buffer] => [
      `${each}/binary-amd64/Packages.xz`,
      Buffer.from("x"),
    ]);
    const listed = text({ Components: "updates/main main/debug empty", Architectures: "" }, paths);
    expect(parse(listed).components).toEqual(["main/debug", "main", "updates/contrib"]);
    expect(parse(listed).architectures).toEqual(["amd64"]);
    expect(parse(text({ Components: "" })).components).toEqual(["main"]);
  });

  test("that are missing are reported with the available ones, without `all` and `source`", () => {
    expect(() => check(text(), "noble", { components: ["universe"] })).toThrow(
      /no component universe\n.*: main\./,
    );
    const all = text({ Architectures: "all amd64 source" });
    expect(() => check(all, "noble", { architectures: ["arm64"] })).toThrow(
      /no architecture arm64\n.*Choose from: amd64\./,
    );
  });

  test("may be any architectures if the Release lists only `all`", () => {
    expect(check(text({ Architectures: "all" }), "noble", { architectures: ["amd64", "arm64"] })).toEqual([]);
  });
});

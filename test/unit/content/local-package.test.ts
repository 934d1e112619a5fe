import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { poolPath } from "../../../content/apt/local-merge.ts";
import { readLocalPackage } from "../../../content/apt/local-package.ts";

/** A tar archive of these entries. A kind is the type flag of ustar. */
function tarOf(...entries: { name: string; content: string; kind?: string; prefix?: string }[]): Buffer {
  const blocks = entries.flatMap(({ name, content, kind = "0", prefix = "" }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(Buffer.byteLength(content).toString(8).padStart(11, "0"), 124);
    header.write("        ", 148);
    header.write(kind, 156);
    header.write("ustar\x0000", 257);
    header.write(prefix, 345);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
    body.write(content);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function arOf(...members: { name: string; bytes: Buffer }[]): Buffer {
  return Buffer.concat([
    Buffer.from("!<arch>\n"),
    ...members.flatMap(({ name, bytes }) => [
      Buffer.from(`${name.padEnd(16)}0           0     0     100644  ${String(bytes.length).padEnd(10)}\`\n`),
      bytes,
      Buffer.alloc(bytes.length % 2, "\n"),
    ]),
  ]);
}

const begin = { name: "debian-binary", bytes: Buffer.from("2.0\n") };
const end = { name: "data.tar.gz", bytes: gzipSync(tarOf()) };
const packed = (tar: Buffer) => arOf(begin, { name: "control.tar.gz", bytes: gzipSync(tar) }, end);
const debOf = (control: string) => packed(tarOf({ name: "./control", content: control }));

const good =
  "Package: ours\nVersion: 1:2-3\nArchitecture: all\nSection: admin\nDescription: x\n more\n .\n words\n";
const changed = (field: string, line: string) => good.replace(new RegExp(`^${field}: .*\n`, "m"), line);

describe("a local package", () => {
  test("gets its path in the pool and its fields from its control file", async () => {
    const found = await readLocalPackage(
      debOf(changed("Section", "Source: libours (2)\nDepends: a,\n b\n")),
      "x.deb",
    );
    expect(poolPath(found, "main")).toBe("pool/main/libo/libours/ours_2-3_all.deb");
    expect(found.field("Depends")).toBe("a, b");
    expect(poolPath(await readLocalPackage(debOf(good), "x.deb"), "main")).toBe(
      "pool/main/o/ours/ours_2-3_all.deb",
    );
  });

  test.each<[string, string]>([
    ["Source", "../../etc/cron.d/x"],
    ["Source", "/etc"],
    ["Source", ".."],
    ["Source", ".hidden"],
    ["Source", "a\n ../../../etc"],
    ["Source", "a ../b"],
    ["Source", "Upper"],
    ["Package", "../x"],
    ["Package", "a/b"],
    ["Package", "a\n /../../x"],
    ["Package", "__proto__"],
    ["Package", ""],
    ["Version", "1/../../x"],
    ["Version", "../1"],
    ["Version", "1\n 2"],
    ["Version", "1_2"],
    ["Version", ""],
    ["Section", "../../x"],
    ["Section", "/x"],
    ["Section", "a\n b"],
    ["Architecture", "../x"],
    ["Architecture", "all\n x"],
    ["Architecture", ""],
  ])("with the %s %j is refused", async (field, value) => {
    const control = field === "Source" ? `Source: ${value}\n${good}` : changed(field, `${field}: ${value}\n`);
    await expect(readLocalPackage(debOf(control), "x.deb")).rejects.toThrow(
      /^reading x\.deb: its control file [\s\S]*dpkg-deb --info/,
    );
  });

  test.each<[string, string, RegExp]>([
    [
      "the field Filename",
      `Filename: ../../../etc/x\n${good}`,
      /has the field filename, which belongs in an index/,
    ],
    ["the field filename in lower case", `${good}filename: x\n`, /has the field filename/],
    ["the field SHA256", `${good}SHA256: ${"0".repeat(64)}\n`, /has the field sha256/],
    ["the field SIZE in upper case", `${good}SIZE: 1\n`, /has the field size/],
    ["a second stanza", `${good}\nPackage: other\nFilename: ../x\n`, /has an empty line/],
    ["a second stanza after a line of white space", `${good} \t\nPackage: other\n`, /has an empty line/],
    ["a second stanza after a carriage return", `${good}\r\nPackage: other\n`, /has control characters/],
    ["a NUL", `\0${good}`, /has control characters/],
    ["a duplicate field in another case", `${good}package: other\n`, /has package twice/],
    ["a comment", `# x: y\n${good}`, /has an invalid line/],
    ["a blank before a colon", `Package : other\n${good}`, /has an invalid line/],
  ])("with %s is refused", async (_, control, message) => {
    await expect(readLocalPackage(debOf(control), "x.deb")).rejects.toThrow(message);
  });

  test.each<[string, Buffer, RegExp]>([
    [
      "two control archives",
      arOf(
        begin,
        { name: "control.tar.gz", bytes: gzipSync(tarOf({ name: "control", content: good })) },
        { name: "control.tar", bytes: tarOf({ name: "control", content: good }) },
      ),
      /two control archives/,
    ],
    [
      "two control files",
      packed(tarOf({ name: "control", content: good }, { name: "./control", content: good })),
      /no control file that can be read/,
    ],
    [
      "a link as its control file",
      packed(tarOf({ name: "control", content: "", kind: "2" })),
      /no control file that can be read/,
    ],
    [
      "a control file that a pax header renames",
      packed(
        tarOf({ name: "x", content: "16 path=conffile\n", kind: "x" }, { name: "control", content: good }),
      ),
      /no control file that can be read/,
    ],
    [
      "a control file in another directory",
      packed(tarOf({ name: "control", content: good, prefix: "x" })),
      /no control file that can be read/,
    ],
    [
      "a control archive of more than 64 MiB",
      packed(Buffer.alloc(70_000_000)),
      /has more than 67108864 bytes uncompressed/,
    ],
    [
      "a member whose size is not a decimal number",
      Buffer.from(String(arOf(begin)).replace("4   ", "0x4 ")),
      /truncated or damaged/,
    ],
  ])("with %s is refused", async (_, bytes, message) => {
    await expect(readLocalPackage(bytes, "x.deb")).rejects.toThrow(message);
  });

  test("with a pax header of times only is accepted under its name", async () => {
    const times = { name: "x", content: "18 mtime=12345.25\n", kind: "x" };
    const found = await readLocalPackage(packed(tarOf(times, { name: "./control", content: good })), "x.deb");
    expect(found.name).toBe("ours");
  });
});

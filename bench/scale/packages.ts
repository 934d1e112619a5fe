import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { type DebFacts, digestsOf, parseControl } from "../../lab/archive/deb.ts";
import { say } from "../measurement.ts";
import { benchCache } from "../other-tools.ts";

interface Deb {
  readonly file: string;
  readonly facts: DebFacts;
}

const directory = join(benchCache, "small-debs");
const sections = ["admin", "devel", "libs", "misc", "net", "python", "utils", "web"];

/** Packages with this many names, made once and kept between runs. */
export function smallPackages(count: number): readonly Deb[] {
  const list = join(directory, `list-${count}.json`);
  if (existsSync(list)) {
    const known: readonly Deb[] = JSON.parse(readFileSync(list, "utf8"));
    return known.map(({ file, facts }) => ({ file: join(directory, file), facts }));
  }
  say(`making ${count} packages`);
  const debs = Array.from({ length: count }, (_, number) => smallPackage(number, "1.0-1"));
  // Relative paths remain valid if the checkout is moved.
  const kept = debs.map(({ file, facts }) => ({ file: relative(directory, file), facts }));
  writeFileSync(`${list}.new`, JSON.stringify(kept));
  renameSync(`${list}.new`, list);
  return debs;
}

/**
 * A package of one small file. Names have all initial letters, a fifth of them are libraries. The number and length of
 * the fields are like those of a Debian package.
 */
export function smallPackage(number: number, version: string): Deb {
  const random = createHash("sha256").update(`package ${number}`).digest("hex");
  const stem = `${"abcdefghijklmnopqrstuvwxyz"[number % 26]}${random.slice(0, 4)}-${number}`;
  const source = number % 5 === 0 ? `lib${stem}` : stem;
  const name = number % 5 === 0 ? `${source}-dev` : source;
  const others = [random.slice(4, 8), random.slice(8, 12)].map((word) => `lib${word}0 (>= 2.${number % 40})`);
  const control = `Package: ${name}
Source: ${source}
Version: ${version}
Architecture: amd64
Maintainer: Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>
Original-Maintainer: Debian Maintainers of ${random.slice(12, 18)} <team+${random.slice(12, 18)}@tracker.debian.org>
Installed-Size: ${20 + (number % 9000)}
Depends: libc6 (>= 2.38), ${others.join(", ")}, adduser | sysuser-helper
Suggests: ${name}-doc, ${random.slice(18, 26)}-utils
Section: ${sections[number % sections.length]}
Priority: optional
Multi-Arch: foreign
Homepage: https://www.example.org/projects/${random.slice(26, 34)}/${source}
Description: tools for ${random.slice(34, 42)} and ${random.slice(42, 50)} (number ${number})
 A package to measure with: it has as many fields as others.
`;
  const path = `usr/share/doc/${name}/about`;
  const bytes = Buffer.concat([
    Buffer.from("!<arch>\n"),
    arMember("debian-binary", Buffer.from("2.0\n")),
    arMember("control.tar.gz", gzipSync(tar("./control", Buffer.from(control)), { level: 1 })),
    arMember("data.tar.gz", gzipSync(tar(`./${path}`, Buffer.from(`${random} ${version}\n`)), { level: 1 })),
  ]);
  const file = join(directory, String(number % 1000), `${name}_${version}_amd64.deb`);
  mkdirSync(dirname(file), { recursive: true });
  // The file is a hard link in an older edition too, so it is not changed.
  rmSync(file, { force: true });
  writeFileSync(file, bytes);
  const facts = { package: name, version, architecture: "amd64", source, files: [path] };
  return { file, facts: { ...facts, control: parseControl(control), ...digestsOf(bytes) } };
}

/** A member of an archive of ar(5): a header of 60 bytes, and content of an even length. */
function arMember(name: string, bytes: Buffer): Buffer {
  const header = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`;
  return Buffer.concat([Buffer.from(header), bytes, Buffer.alloc(bytes.length % 2, "\n")]);
}

/** A tar archive (ustar) of one file, owned by root. */
function tar(name: string, bytes: Buffer): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(bytes.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("        0", 148);
  header.write("ustar\0" + "00root", 257);
  header.write("root", 297);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  );
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512), Buffer.alloc(1024)]);
}

import { ExplainedError } from "../../errors/explained-error.ts";
import { digestOf } from "../../values/digest.ts";
import { compressionOf, decompress } from "../decompress.ts";
import { fileInTar } from "../tar.ts";
import type { LocalPackage } from "./local-merge.ts";
import { sourceName } from "./packages.ts";
import { refusedByReprepro } from "./reprepro-rules.ts";
import { readStanzas, type Stanza } from "./stanzas.ts";

const maximumControlBytes = 64 * 1024 * 1024;

const relations = ["Depends", "Pre-Depends", "Recommends", "Provides"] as const;
/** Fields that an index adds about a file. In a control file they would come before those of the index. */
const ofIndices = [
  "filename",
  "size",
  "md5sum",
  "sha1",
  "sha256",
  "sha512",
  "directory",
  "phased-update-percentage",
];
const fields = {
  single: ["package", "version", "architecture", "section", "source", ...ofIndices],
  long: relations.map((field) => field.toLowerCase()),
};

/**
 * Reads the metadata of a .deb (deb(5): an ar archive with debian-binary and control.tar).
 *
 * @param name The file's name in errors.
 */
export async function readLocalPackage(bytes: Buffer, name: string): Promise<LocalPackage> {
  const refuse = (found: string) =>
    new ExplainedError({
      step: `reading ${name}`,
      found,
      remedy: "Declare a .deb file that `dpkg-deb --info` can read.",
    });
  const member = controlMember(bytes);
  if (typeof member === "string") throw refuse(member);
  const tar = await decompress(
    member.bytes,
    compressionOf(member.name),
    maximumControlBytes,
    `${name} (${member.name})`,
  );
  const control = fileInTar(tar, "control");
  if (!control?.length) throw refuse("it has no control file that can be read");
  const found = await readControl(control, name);
  if (typeof found === "string") throw refuse(`its control file ${found}`);
  return {
    ...found,
    size: bytes.length,
    sha256: digestOf(bytes),
    control: `${control.toString("utf8").trim()}\n`,
  };
}

/** The member control.tar of an ar archive, or what is wrong with the archive. */
function controlMember(bytes: Buffer): { readonly name: string; readonly bytes: Buffer } | string {
  if (bytes.toString("latin1", 0, 8) !== "!<arch>\n") return "it is not a Debian package";
  let control: { readonly name: string; readonly bytes: Buffer } | undefined;
  // All members are read, to detect a truncated archive.
  for (let at = 8; at < bytes.length; ) {
    const name = bytes
      .toString("latin1", at, at + 16)
      .trim()
      .replace(/\/$/, "");
    const digits = bytes.toString("latin1", at + 48, at + 58).trim();
    const size = Number(digits);
    if (!/^\d{1,10}$/.test(digits) || at + 60 + size > bytes.length) return "it is truncated or damaged";
    if (/^control\.tar(\.(gz|xz|zst))?$/.test(name)) {
      if (control) return "it has two control archives";
      control = { name, bytes: bytes.subarray(at + 60, at + 60 + size) };
    }
    at += 60 + size + (size % 2);
  }
  return control ?? "it has no control file that can be read";
}

/**
 * The values of a control file, or what is wrong with it. It becomes a stanza of an index, so it must be exactly one
 * stanza.
 */
async function readControl(
  control: Buffer,
  name: string,
): Promise<Omit<LocalPackage, "size" | "sha256" | "control"> | string> {
  if (control.some((byte) => byte === 0 || byte === 13)) return "has control characters";
  if (/\n[ \t]*\n/.test(control.toString("latin1").trim())) return "has an empty line";
  let found: Omit<LocalPackage, "size" | "sha256" | "control"> | string = "is empty";
  await readStanzas([control], fields, name, (stanza) => {
    found = valuesOf(stanza);
  });
  return found;
}

function valuesOf(stanza: Stanza): Omit<LocalPackage, "size" | "sha256" | "control"> | string {
  if (stanza.odd !== undefined || stanza.loose !== undefined) return stanza.odd ?? stanza.loose ?? "";
  const name = stanza.value("package");
  const version = stanza.value("version");
  const architecture = stanza.value("architecture");
  if (!name) return "has no package name";
  if (!version) return "has no version";
  if (!architecture || !/^[a-z0-9][a-z0-9-]{0,39}$/.test(architecture)) return "has no architecture";
  const ofIndex = ofIndices.find((field) => stanza.value(field) !== undefined);
  if (ofIndex) return `has the field ${ofIndex}, which belongs in an index`;
  const section = stanza.value("section");
  if (
    section !== undefined &&
    !/^[A-Za-z0-9+-][A-Za-z0-9.+-]*(\/[A-Za-z0-9+-][A-Za-z0-9.+-]*){0,2}$/.test(section)
  )
    return `has an invalid section: ${JSON.stringify(section.slice(0, 80))}`;
  const source = sourceName(stanza.value("source"), name);
  const unfit = refusedByReprepro({ name, version, architecture, source });
  if (unfit || source === undefined) return `is refused by reprepro: ${unfit}`;
  const texts = new Map(relations.map((field) => [field, stanza.value(field.toLowerCase())]));
  return { name, version, architecture, source, field: (field) => texts.get(field) };
}

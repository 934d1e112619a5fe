import { createHash } from "node:crypto";
import { ExplainedError } from "../../errors/explained-error.ts";
import { signedDate, spanOf } from "../dates.ts";
import { isSanePath } from "../sane-path.ts";

/** A file that a Release lists. */
export interface ReleaseEntry {
  /** Below `dists/SUITE/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** What an archive says of one suite, from the text that is signed. */
export interface Release {
  /** Its single-line fields as upstream has them: Origin, Label, Suite, Codename, Version, Description ... */
  readonly header: Readonly<Record<string, string>>;
  readonly date: Date;
  readonly validUntil: Date | undefined;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly byHash: boolean;
  /** SHA-256 of the signed text. */
  readonly sha256: string;
  readonly entries: ReadonlyMap<string, ReleaseEntry>;
}

/**
 * Reads a verified Release text.
 *
 * @param name What the file is called in errors, e.g. `dists/noble/InRelease`.
 * @throws ExplainedError for missing or unreadable fields, no SHA256 list, paths that lead elsewhere.
 */
export function parseRelease(text: string, name: string): Release {
  const refuse = (found: string) =>
    new ExplainedError({
      step: `reading ${name}`,
      found,
      remedy: "Nothing was taken over. Ask those who run the archive, or use another mirror of it.",
    });
  const header: Record<string, string> = Object.create(null);
  const entries = new Map<string, ReleaseEntry>();
  let list = "";
  for (const line of text.split("\n")) {
    if (line === "" || line === "\r") continue;
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (list !== "SHA256") continue;
      const entry = /^\s+([0-9a-fA-F]{64})\s+(\d{1,15})\s+(\S+)\s*$/.exec(line);
      if (!entry) throw refuse(`a line of its SHA256 list is not one: ${JSON.stringify(line.slice(0, 120))}`);
      const [, sha256 = "", size = "", path = ""] = entry;
      if (!isSanePath(path))
        throw refuse(`it lists a path that leads elsewhere: ${JSON.stringify(path.slice(0, 120))}`);
      const found = { path, size: Number(size), sha256: sha256.toLowerCase() };
      const other = entries.get(path);
      if (other && (other.sha256 !== found.sha256 || other.size !== found.size)) {
        throw refuse(`it lists ${path} twice, with different digests`);
      }
      entries.set(path, found);
      continue;
    }
    const field = /^([A-Za-z0-9-]+):\s*(.*?)\s*$/.exec(line);
    if (!field) throw refuse(`a line is not a field: ${JSON.stringify(line.slice(0, 120))}`);
    const [, key = "", value = ""] = field;
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(value)) throw refuse(`${key} has control characters`);
    if (key in header) throw refuse(`${key} stands in it twice`);
    header[key] = value;
    list = key;
  }
  if (!("SHA256" in header)) throw refuse("it has no SHA256 list; MD5 and SHA-1 are not proof enough");
  const date = signedDate(header.Date);
  if (!date) throw refuse(header.Date ? `its Date cannot be read: ${header.Date}` : "it has no Date");
  const validUntil = signedDate(header["Valid-Until"]);
  if (header["Valid-Until"] && !validUntil)
    throw refuse(`its Valid-Until cannot be read: ${header["Valid-Until"]}`);
  for (const needed of ["Components", "Architectures"]) {
    if (!header[needed]) throw refuse(`it has no ${needed}`);
  }
  if (!header.Suite && !header.Codename) throw refuse("it has neither Suite nor Codename");
  return {
    header,
    date,
    validUntil,
    components: words(header.Components),
    architectures: words(header.Architectures),
    byHash: header["Acquire-By-Hash"] === "yes",
    sha256: createHash("sha256").update(text).digest("hex"),
    entries,
  };
}

function words(text = ""): string[] {
  return text.split(/\s+/).filter(Boolean);
}

export interface Expectations {
  readonly suite: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly now: Date;
  /** When what was accepted last was made, ISO 8601. An older one is refused. */
  readonly seen?: string | undefined;
}

const day = 86_400_000;

/** A codename names a suite too (Debian), unless the suite is a pocket of it: noble-updates has the codename noble (Ubuntu). */
function isOf(suite: string, { Suite, Codename }: Release["header"]): boolean {
  return suite === Suite || (suite === Codename && !Suite?.startsWith(`${Codename}-`));
}

/** Refuses a Release that is not of the suite asked for, not of today, or lacks what is asked of it. */
export function checkRelease(release: Release, name: string, wanted: Expectations): void {
  const refuse = (found: string, remedy: string, values?: readonly string[]) => {
    throw new ExplainedError({ step: `checking ${name}`, found, remedy, values });
  };
  const { header, date, validUntil } = release;
  const { suite, now, seen } = wanted;
  if (!isOf(suite, header)) {
    refuse(
      `it is of suite ${header.Suite ?? "(none)"}, codename ${header.Codename ?? "(none)"}, not of ${suite}`,
      "Check the suite's name and upstream's URL; somebody may also be serving one suite in place of another.",
    );
  }
  if (date.getTime() > now.getTime() + day) {
    refuse(
      `it was made at ${date.toISOString()}, ${spanOf(date.getTime() - now.getTime())} from now by this workstation's clock`,
      "Set this workstation's clock; if it is right, upstream's is wrong.",
    );
  }
  if (validUntil && validUntil.getTime() < now.getTime()) {
    refuse(
      `it was valid until ${validUntil.toISOString()}, ${spanOf(now.getTime() - validUntil.getTime())} ago`,
      "Use an upstream mirror that is kept up to date; if this one is, check this workstation's clock.",
    );
  }
  if (seen && date.getTime() < new Date(seen).getTime()) {
    refuse(
      `it was made at ${date.toISOString()}, and one of ${new Date(seen).toISOString()} was accepted before: upstream went back`,
      "Wait until upstream is up to date again, or use another mirror of it. Publish an older tree of yours with pinnedTo.",
    );
  }
  const has = (component: string) =>
    release.components.some((known) => known === component || known.endsWith(`/${component}`));
  const lacking = (what: string, missing: readonly string[], available: readonly string[]) => {
    if (missing.length > 0) {
      refuse(
        `it has no ${what} ${missing.join(", ")}`,
        `Choose among those it has: ${available.join(", ")}.`,
        [`${what}s`],
      );
    }
  };
  lacking(
    "component",
    wanted.components.filter((component) => !has(component)),
    release.components,
  );
  lacking(
    "architecture",
    wanted.architectures.filter((architecture) => !release.architectures.includes(architecture)),
    release.architectures,
  );
}

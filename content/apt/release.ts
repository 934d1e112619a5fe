import { ExplainedError } from "../../errors/explained-error.ts";
import { digestOf } from "../../values/digest.ts";
import { signedDate, spanOf } from "../dates.ts";
import { someOf } from "../names.ts";
import { isSanePath } from "../paths.ts";
import { isFlat } from "./suite-place.ts";

/** A file that a Release lists. */
export interface ReleaseEntry {
  /** Below `dists/SUITE/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** The values of one suite, from the signed text. */
export interface Release {
  /**
   * Its fields of one line as upstream has them: Origin, Label, Suite, Codename, Version, Description ... Names that
   * apt knows are spelled as in apt. The object has no prototype, so that it contains no other names.
   */
  readonly header: Readonly<Record<string, string>>;
  /** The epoch if it has no readable date: see `undated`. */
  readonly date: Date;
  /** Why it has no date, if so. */
  readonly undated: string | undefined;
  readonly validUntil: Date | undefined;
  /** Components that have indices, by the names that clients use; in upstream's order. */
  readonly components: readonly string[];
  /** Architectures that it lists; if it lists none, those that have indices. */
  readonly architectures: readonly string[];
  readonly byHash: boolean;
  /** SHA-256 of the signed text. */
  readonly sha256: string;
  readonly entries: ReadonlyMap<string, ReleaseEntry>;
}

/** Fields with one value. apt ignores the case of field names, and reads continuation lines as part of the value. */
const single = new Map(
  [
    "Origin",
    "Label",
    "Suite",
    "Codename",
    "Version",
    "Date",
    "Valid-Until",
    "Components",
    "Architectures",
    "Acquire-By-Hash",
    "No-Support-for-Architecture-all",
    "NotAutomatic",
    "ButAutomaticUpgrades",
  ].map((name) => [name.toLowerCase(), name]),
);
const lists = new Map(["SHA256", "Description"].map((name) => [name.toLowerCase(), name]));

/**
 * Reads a verified Release text: its first stanza, as apt does.
 *
 * @param name The file's name in errors, e.g. `dists/noble/InRelease`.
 * @throws ExplainedError for invalid fields, a missing SHA256 list, or invalid paths.
 */
export function parseRelease(text: string, name: string): Release {
  const refuse = (found: string) =>
    new ExplainedError({
      step: `reading ${name}`,
      found,
      remedy: "Nothing was changed. Ask the operator of the archive, or use another mirror of it.",
    });
  const header: Record<string, string> = Object.create(null);
  const seen = new Set<string>();
  const entries = new Map<string, ReleaseEntry>();
  let field = "";
  for (const line of text.split("\n")) {
    if (line.trim() === "") {
      if (seen.size === 0) continue;
      break;
    }
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (field === "SHA256") {
        const entry = entryOf(line, refuse);
        const other = entry && entries.get(entry.path);
        if (other && (other.sha256 !== entry.sha256 || other.size !== entry.size)) {
          throw refuse(`it lists ${entry.path} twice, with different digests`);
        }
        if (entry) entries.set(entry.path, entry);
      } else if (single.has(field.toLowerCase())) {
        throw refuse(`${field} has a second line, but may have one value only`);
      }
      continue;
    }
    const [, written] = /^([A-Za-z0-9-]+):/.exec(line) ?? [];
    if (!written) throw refuse(`a line is not a field: ${JSON.stringify(line.slice(0, 120))}`);
    // No regular expression: one for trailing blanks takes quadratic time on long rows of blanks.
    const value = line.slice(written.length + 1).trim();
    field = single.get(written.toLowerCase()) ?? lists.get(written.toLowerCase()) ?? written;
    if (/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/.test(value))
      throw refuse(`${field} has control characters`);
    if (seen.has(field.toLowerCase())) throw refuse(`${field} is listed twice`);
    seen.add(field.toLowerCase());
    header[field] = value;
  }
  if (!seen.has("sha256")) throw refuse("it has no SHA256 list; MD5 and SHA-1 are not secure enough");
  const date = signedDate(header.Date);
  const validUntil = signedDate(header["Valid-Until"]);
  if (header["Valid-Until"] && !validUntil)
    throw refuse(`its Valid-Until cannot be read: ${header["Valid-Until"]}`);
  const indexed = indexedNames(entries);
  const listed = words(header.Components);
  return {
    header,
    date: date ?? new Date(0),
    undated: date
      ? undefined
      : header.Date
        ? `its Date cannot be read: ${header.Date.slice(0, 60)}`
        : "it has no Date",
    validUntil,
    components: [...new Set([...listed, ...indexed.components])].filter((component) =>
      indexed.components.has(component),
    ),
    architectures: header.Architectures ? words(header.Architectures) : [...indexed.architectures],
    byHash: isTrue(header["Acquire-By-Hash"]),
    sha256: digestOf(text),
    entries,
  };
}

/** An entry of the SHA256 list. Undefined for a path that neither this program nor any client requests. */
function entryOf(line: string, refuse: (found: string) => Error): ReleaseEntry | undefined {
  const entry = /^\s+([0-9a-fA-F]{64})\s+(\d{1,15})\s+(\S+)\s*$/.exec(line);
  if (!entry) throw refuse(`a line of its SHA256 list is invalid: ${JSON.stringify(line.slice(0, 120))}`);
  const [, sha256 = "", size = "", written = ""] = entry;
  const path = written.replace(/^(\.\/)+/, "");
  if (path.startsWith("/") || path.split("/").includes(".."))
    throw refuse(`it lists an invalid path: ${JSON.stringify(path.slice(0, 120))}`);
  return isSanePath(path) ? { path, size: Number(size), sha256: sha256.toLowerCase() } : undefined;
}

/** Components and architectures by the directories of their indices: these names count for clients. */
function indexedNames(entries: ReadonlyMap<string, ReleaseEntry>) {
  const components = new Set<string>();
  const architectures = new Set<string>();
  for (const path of entries.keys()) {
    const index = /^(.+)\/(?:binary-([a-z0-9-]+)\/Packages|source\/Sources)(?:\.[a-z0-9]+)?$/.exec(path);
    if (!index || index[1]?.endsWith("/debian-installer")) continue;
    components.add(index[1] ?? "");
    if (index[2]) architectures.add(index[2]);
  }
  return { components, architectures };
}

/** A boolean as apt reads it (StringToBool). */
function isTrue(text = ""): boolean {
  return /^(yes|true|with|on|enable|1)$/i.test(text);
}

export function words(text = ""): string[] {
  return text.split(/\s+/).filter(Boolean);
}

/** Checks that may fail because the user has given a reason for each. */
export interface Accepted {
  /** A Valid-Until that has passed. */
  readonly expired?: string | undefined;
  /** No Date, or one that cannot be read: an older Release cannot be detected then. */
  readonly missingDate?: string | undefined;
  /** A signature or certificate based on a weak digest. */
  readonly weakSignature?: string | undefined;
  /** A Release whose Suite and Codename name another suite. */
  readonly otherSuite?: string | undefined;
  /** A Release older than the one that was accepted last, as after a change to an older snapshot. */
  readonly older?: string | undefined;
}

interface Expectations {
  readonly suite: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly now: Date;
  /** The date of the Release that was accepted last, ISO 8601. An older one is refused. */
  readonly seen?: string | undefined;
  readonly accept?: Accepted | undefined;
}

const day = 86_400_000;

/**
 * Whether a Release names the given suite. A codename names a suite too (Debian), unless the suite is a pocket of it:
 * noble-updates has the codename noble (Ubuntu). For a suite with slashes the first parts are enough (`jammy` of
 * `jammy/mongodb-org/7.0`), and a Release without a name has that of its path: as in apt (CheckDist).
 */
function isOf(suite: string, { Suite, Codename }: Release["header"]): boolean {
  if (isFlat(suite) || (!Suite && !Codename)) return true;
  const parts = suite.split("/");
  const names = new Set(parts.map((_, index) => parts.slice(0, index + 1).join("/")));
  return names.has(Suite ?? "") || (names.has(Codename ?? "") && !Suite?.startsWith(`${Codename}-`));
}

/**
 * Refuses a Release that is of another suite, not current, or lacks requested parts.
 *
 * @returns Failed checks that were accepted, with their reasons.
 */
export function checkRelease(release: Release, name: string, wanted: Expectations): string[] {
  const refuse = (found: string, remedy: string, values?: readonly string[]) => {
    throw new ExplainedError({ step: `checking ${name}`, found, remedy, values });
  };
  const { header, date, undated, validUntil } = release;
  const { suite, now, seen, accept = {} } = wanted;
  const accepted: string[] = [];
  const unlessAccepted = (kind: keyof Accepted, found: string, remedy: string) => {
    const reason = Object.hasOwn(accept, kind) ? accept[kind] : undefined;
    if (reason) accepted.push(`accepted: ${name}: ${found} (${reason})`);
    else refuse(found, `${remedy} To accept it anyway, give the reason in upstream.accept.${kind}.`);
  };
  if (!isOf(suite, header)) {
    unlessAccepted(
      "otherSuite",
      `it is for suite ${header.Suite || "(none)"}, codename ${header.Codename || "(none)"}, not of ${suite}`,
      "Check the suite's name and upstream's URL. Upstream may also serve a wrong file for this suite.",
    );
  }
  if (undated) {
    unlessAccepted(
      "missingDate",
      undated,
      "Ask the operator of the archive: without a date an old index cannot be told from a new one.",
    );
  }
  if (date.getTime() > now.getTime() + day) {
    refuse(
      `it was made at ${date.toISOString()}, ${spanOf(date.getTime() - now.getTime())} from now by this workstation's clock`,
      "Set this workstation's clock. If it is correct, upstream's is wrong.",
    );
  }
  if (validUntil && validUntil.getTime() < now.getTime()) {
    unlessAccepted(
      "expired",
      `it was valid until ${validUntil.toISOString()}, ${spanOf(now.getTime() - validUntil.getTime())} ago`,
      "Use an upstream mirror that is kept up to date. If this one is, check this workstation's clock.",
    );
  }
  if (seen && !undated && date.getTime() < new Date(seen).getTime()) {
    unlessAccepted(
      "older",
      `it was made at ${date.toISOString()}, and one of ${new Date(seen).toISOString()} was accepted before: upstream went back`,
      "Wait until upstream is up to date again, or use another mirror of it. To publish one of your older snapshots, set pinnedTo.",
    );
  }
  const lacking = (what: string, missing: readonly string[], available: readonly string[]) => {
    if (missing.length > 0) {
      refuse(
        `it has no ${what} ${missing.join(", ")}`,
        available.length > 0
          ? `Choose from: ${someOf(available, 50)}.`
          : "It has no indices: check upstream's URL and the suite's name.",
        [`${what}s`],
      );
    }
  };
  if (isFlat(suite)) return accepted;
  lacking(
    "component",
    wanted.components.filter((component) => !release.components.includes(component)),
    release.components,
  );
  // Packages for all architectures are part of every mirror.
  const machines = release.architectures.filter((name) => name !== "all" && name !== "source");
  if (machines.length > 0 || !release.architectures.includes("all")) {
    lacking(
      "architecture",
      wanted.architectures.filter((architecture) => !machines.includes(architecture)),
      machines,
    );
  }
  return accepted;
}

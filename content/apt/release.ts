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

/** What an archive says of one suite, from the text that is signed. */
export interface Release {
  /**
   * Its fields of one line as upstream has them: Origin, Label, Suite, Codename, Version, Description ... Those that apt
   * knows are spelled as apt spells them, however upstream does. Without a prototype: no name is there of itself.
   */
  readonly header: Readonly<Record<string, string>>;
  /** The beginning of time where it has none that can be read: see `undated`. */
  readonly date: Date;
  /** What is wrong with its date, if it has none. */
  readonly undated: string | undefined;
  readonly validUntil: Date | undefined;
  /** Those that have indices, which a client asks for by these names; in the order in which upstream lists them. */
  readonly components: readonly string[];
  /** Those that it lists; where it lists none, those that have indices. */
  readonly architectures: readonly string[];
  readonly byHash: boolean;
  /** SHA-256 of the signed text. */
  readonly sha256: string;
  readonly entries: ReadonlyMap<string, ReleaseEntry>;
}

/** Fields of one value. apt finds a field whatever the case of its name, and its text with all lines that continue it. */
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
 * @param name What the file is called in errors, e.g. `dists/noble/InRelease`.
 * @throws ExplainedError for unreadable fields, no SHA256 list, paths that lead elsewhere.
 */
export function parseRelease(text: string, name: string): Release {
  const refuse = (found: string) =>
    new ExplainedError({
      step: `reading ${name}`,
      found,
      remedy: "Nothing was taken over. Ask those who run the archive, or use another mirror of it.",
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
        throw refuse(`${field} goes on in a second line, and is one value`);
      }
      continue;
    }
    const [, written] = /^([A-Za-z0-9-]+):/.exec(line) ?? [];
    if (!written) throw refuse(`a line is not a field: ${JSON.stringify(line.slice(0, 120))}`);
    // Not by an expression: those that look for blanks at an end try every beginning of every row of blanks.
    const value = line.slice(written.length + 1).trim();
    field = single.get(written.toLowerCase()) ?? lists.get(written.toLowerCase()) ?? written;
    if (/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/.test(value))
      throw refuse(`${field} has control characters`);
    if (seen.has(field.toLowerCase())) throw refuse(`${field} is in it twice`);
    seen.add(field.toLowerCase());
    header[field] = value;
  }
  if (!seen.has("sha256")) throw refuse("it has no SHA256 list; MD5 and SHA-1 are not proof enough");
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

/** A line of the SHA256 list. Undefined for a path that nothing here would ask for, and that no client can. */
function entryOf(line: string, refuse: (found: string) => Error): ReleaseEntry | undefined {
  const entry = /^\s+([0-9a-fA-F]{64})\s+(\d{1,15})\s+(\S+)\s*$/.exec(line);
  if (!entry) throw refuse(`a line of its SHA256 list is not one: ${JSON.stringify(line.slice(0, 120))}`);
  const [, sha256 = "", size = "", written = ""] = entry;
  const path = written.replace(/^(\.\/)+/, "");
  if (path.startsWith("/") || path.split("/").includes(".."))
    throw refuse(`it lists a path that leads elsewhere: ${JSON.stringify(path.slice(0, 120))}`);
  return isSanePath(path) ? { path, size: Number(size), sha256: sha256.toLowerCase() } : undefined;
}

/** Components and architectures by the directories of their indices: a client asks for these, whatever else is said. */
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

/** As apt reads a truth (StringToBool). */
function isTrue(text = ""): boolean {
  return /^(yes|true|with|on|enable|1)$/i.test(text);
}

export function words(text = ""): string[] {
  return text.split(/\s+/).filter(Boolean);
}

/** What is refused unless somebody has said why it is not to be: the reason of each. */
export interface Accepted {
  /** A Valid-Until that has passed. */
  readonly expired?: string | undefined;
  /** No Date, or one that cannot be read: then nothing shows that upstream went back. */
  readonly missingDate?: string | undefined;
  /** A signature or certificate that rests on a digest of which collisions are known. */
  readonly weakSignature?: string | undefined;
  /** A Release that is of another suite by its own words. */
  readonly otherSuite?: string | undefined;
  /** A Release that is older than the one that was accepted last, as after a change to an older snapshot. */
  readonly older?: string | undefined;
}

interface Expectations {
  readonly suite: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly now: Date;
  /** When what was accepted last was made, ISO 8601. An older one is refused. */
  readonly seen?: string | undefined;
  readonly accept?: Accepted | undefined;
}

const day = 86_400_000;

/**
 * Whether a Release is of a suite by its own words. A codename names a suite too (Debian), unless the suite is a pocket of
 * it: noble-updates has the codename noble (Ubuntu). Of a suite with slashes a leading part is enough (`jammy` of
 * `jammy/mongodb-org/7.0`), and one that does not say its name has that of its path: apt sees both so (CheckDist).
 */
function isOf(suite: string, { Suite, Codename }: Release["header"]): boolean {
  if (isFlat(suite) || (!Suite && !Codename)) return true;
  const parts = suite.split("/");
  const names = new Set(parts.map((_, index) => parts.slice(0, index + 1).join("/")));
  return names.has(Suite ?? "") || (names.has(Codename ?? "") && !Suite?.startsWith(`${Codename}-`));
}

/**
 * Refuses a Release that is not of the suite asked for, not of today, or lacks what is asked of it.
 *
 * @returns what of it was accepted, with the reasons given for it
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
    else refuse(found, `${remedy} To take it all the same, say why in upstream.accept.${kind}.`);
  };
  if (!isOf(suite, header)) {
    unlessAccepted(
      "otherSuite",
      `it is of suite ${header.Suite || "(none)"}, codename ${header.Codename || "(none)"}, not of ${suite}`,
      "Check the suite's name and upstream's URL; somebody may also be serving one suite in place of another.",
    );
  }
  if (undated) {
    unlessAccepted(
      "missingDate",
      undated,
      "Ask those who run the archive: without a date nobody can tell an old index from a new one.",
    );
  }
  if (date.getTime() > now.getTime() + day) {
    refuse(
      `it was made at ${date.toISOString()}, ${spanOf(date.getTime() - now.getTime())} from now by this workstation's clock`,
      "Set this workstation's clock; if it is right, upstream's is wrong.",
    );
  }
  if (validUntil && validUntil.getTime() < now.getTime()) {
    unlessAccepted(
      "expired",
      `it was valid until ${validUntil.toISOString()}, ${spanOf(now.getTime() - validUntil.getTime())} ago`,
      "Use an upstream mirror that is kept up to date; if this one is, check this workstation's clock.",
    );
  }
  if (seen && !undated && date.getTime() < new Date(seen).getTime()) {
    unlessAccepted(
      "older",
      `it was made at ${date.toISOString()}, and one of ${new Date(seen).toISOString()} was accepted before: upstream went back`,
      "Wait until upstream is up to date again, or use another mirror of it. Publish an older snapshot of yours with pinnedTo.",
    );
  }
  const lacking = (what: string, missing: readonly string[], available: readonly string[]) => {
    if (missing.length > 0) {
      refuse(
        `it has no ${what} ${missing.join(", ")}`,
        available.length > 0
          ? `Choose among those it has: ${someOf(available, 50)}.`
          : "It has no indices of any: check upstream's URL and the suite's name.",
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
  // Packages for all architectures are for those of every mirror.
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

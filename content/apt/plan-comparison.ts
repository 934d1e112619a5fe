import { amountOf } from "../sizes.ts";
import type { WrittenPlan } from "./plan.ts";
import type { PlanPackage, PlanRow } from "./plan-row.ts";
import { suiteAt } from "./suite-place.ts";

/** The change of one package. */
interface PackageChange {
  readonly name: string;
  readonly architecture: string;
  /** Versions in the old plan, sorted, joined with `, `; undefined for a new package. */
  readonly from: string | undefined;
  /** Versions in the new plan; undefined for a removed package. Equal to `from` if only the content changes. */
  readonly to: string | undefined;
}

export interface SuiteChange {
  readonly added: readonly PackageChange[];
  readonly changed: readonly PackageChange[];
  readonly removed: readonly PackageChange[];
  /** Architectures of machines for which the suite has packages, before or after. */
  readonly architectures: readonly string[];
  /** Bytes that the host does not have. Content of two suites counts for the first. */
  readonly bytes: number;
}

/**
 * The changes per suite when a new plan replaces an old one. Suites without changes are left out.
 *
 * @param lacks Whether the host lacks a content that the old plan does not have, by SHA-256.
 */
export function comparePlans(
  old: WrittenPlan | undefined,
  wanted: WrittenPlan,
  lacks: (sha256: string) => boolean = () => true,
): Map<string, SuiteChange> {
  const before = packagesBySuite(old);
  const after = packagesBySuite(wanted);
  const bytes = bytesToFetch(old, wanted, lacks);
  const changes = new Map<string, SuiteChange>();
  for (const suite of new Set([...Object.keys(wanted.suites), ...Object.keys(old?.suites ?? {})])) {
    const [was, is] = [before.get(suite), after.get(suite)];
    const change = {
      ...packageChanges(was, is),
      architectures: machinesOf(was, is),
      bytes: bytes.get(suite) ?? 0,
    };
    const { added, changed, removed } = change;
    if (added.length + changed.length + removed.length + change.bytes > 0) changes.set(suite, change);
  }
  return changes;
}

/** How many new or changed packages are listed. Removed ones are all listed. */
const maximumListed = 20;

/**
 * A suite's change for the preview: a line with numbers, and one line each for new packages, new versions and removed
 * packages.
 *
 * ```
 * noble-security: +1 ~2 -0 packages, 237.1 KiB to fetch
 *   new: jq-doc 1.7
 *   new versions: jq 1.6-2.1 -> 1.6-2.1ubuntu3.1, libjq1 1.6-2.1 -> 1.6-2.1ubuntu3.1
 * ```
 */
export function changeText(suite: string, change: SuiteChange): string {
  const { added, changed, removed, architectures, bytes } = change;
  const lines = [
    `${suite}: +${added.length} ~${changed.length} -${removed.length} packages, ${amountOf(bytes)} to fetch`,
  ];
  const list = (title: string, changes: readonly PackageChange[], most: number) => {
    const texts = named(changes, architectures.length);
    if (texts.length === 0) return;
    const more = texts.length > most ? `, and ${texts.length - most} more` : "";
    lines.push(`  ${title}: ${texts.slice(0, most).join(", ")}${more}`);
  };
  list("new", added, maximumListed);
  list("new versions", changed, maximumListed);
  list("removed", removed, Number.POSITIVE_INFINITY);
  return lines.join("\n");
}

/** One text for all architectures with the same change. They are listed unless it applies to all. */
function named(changes: readonly PackageChange[], all: number): string[] {
  // Most have one architecture, whose string is shared; several are joined with blanks.
  const architectures = new Map<string, string>();
  for (const change of changes) {
    const text = textOf(change);
    const others = architectures.get(text);
    architectures.set(text, others ? `${others} ${change.architecture}` : change.architecture);
  }
  return [...architectures]
    .map(([text, joined]) => {
      const of = joined.split(" ");
      const machines = of.filter((architecture) => !independent.has(architecture));
      if (of.includes("source") && of.length === 1) return `${text} (source)`;
      return machines.length > 0 && machines.length < all ? `${text} (${machines.sort().join(", ")})` : text;
    })
    .sort();
}

const independent = new Set(["all", "source"]);

function machinesOf(...packages: readonly (Packages | undefined)[]): string[] {
  const all = new Set(packages.flatMap((each) => [...(each?.keys() ?? [])]));
  return [...all].filter((architecture) => !independent.has(architecture)).sort();
}

function textOf({ name, from, to }: PackageChange): string {
  if (from === undefined) return `${name} ${to}`;
  if (to === undefined) return `${name} ${from}`;
  return from === to ? `${name} ${to} (same version, new content)` : `${name} ${from} -> ${to}`;
}

/** The packages of a suite, by architecture and name, with all their versions. */
type Packages = ReadonlyMap<string, ReadonlyMap<string, PackageRows>>;
type PackageRow = PlanRow & { readonly package: PlanPackage };
type PackageRows = readonly [PackageRow, ...(readonly PackageRow[])];

function packagesBySuite(plan: WrittenPlan | undefined): Map<string, Packages> {
  const suites = new Map<string, Map<string, Map<string, [PackageRow, ...PackageRow[]]>>>();
  for (const row of plan?.rows ?? []) {
    if (!isPackage(row)) continue;
    const { suite, name, architecture } = row.package;
    const architectures = suites.get(suite) ?? new Map();
    suites.set(suite, architectures);
    const packages = architectures.get(architecture) ?? new Map();
    architectures.set(architecture, packages);
    const known = packages.get(name);
    if (known) known.push(row);
    else packages.set(name, [row]);
  }
  return suites;
}

function isPackage(row: PlanRow): row is PackageRow {
  return row.package !== undefined;
}

function packageChanges(before: Packages = new Map(), after: Packages = new Map()) {
  const added: PackageChange[] = [];
  const changed: PackageChange[] = [];
  const removed: PackageChange[] = [];
  for (const [architecture, packages] of after) {
    for (const [name, is] of packages) {
      const was = before.get(architecture)?.get(name);
      if (!was) added.push({ name, architecture, from: undefined, to: shown(is) });
      else if (!same(versions(was), versions(is)) || !same(contents(was), contents(is))) {
        changed.push({ name, architecture, from: shown(was), to: shown(is) });
      }
    }
  }
  for (const [architecture, packages] of before) {
    for (const [name, was] of packages) {
      if (after.get(architecture)?.has(name)) continue;
      removed.push({ name, architecture, from: shown(was), to: undefined });
    }
  }
  return { added, changed, removed };
}

const versions = (rows: PackageRows) => new Set(rows.map((row) => row.package.version));
const contents = (rows: PackageRows) => new Set(rows.map(({ sha256 }) => sha256));

function shown(rows: PackageRows): string {
  return rows.length === 1 ? rows[0].package.version : [...versions(rows)].sort().join(", ");
}

function same(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}

function bytesToFetch(
  old: WrittenPlan | undefined,
  wanted: WrittenPlan,
  lacks: (sha256: string) => boolean,
): Map<string, number> {
  const have = new Set(old?.rows.map(({ sha256 }) => sha256));
  const bytes = new Map<string, number>();
  // In the plan's order of suites, so that a file of two suites always counts for the same one.
  const rank = new Map(Object.keys(wanted.suites).map((suite, index) => [suite, index]));
  const suiteOf = (row: PlanRow) => row.package?.suite ?? suiteAt(row.path, rank.keys()) ?? "";
  const rows = wanted.rows.filter(({ sha256 }) => !have.has(sha256) && lacks(sha256));
  rows.sort((a, b) => (rank.get(suiteOf(a)) ?? 0) - (rank.get(suiteOf(b)) ?? 0));
  for (const row of rows) {
    if (have.has(row.sha256)) continue;
    have.add(row.sha256);
    bytes.set(suiteOf(row), (bytes.get(suiteOf(row)) ?? 0) + row.size);
  }
  return bytes;
}

import { amountOf } from "../sizes.ts";
import type { Plan } from "./plan.ts";
import { suiteAt } from "./suite-place.ts";

export interface SuiteChange {
  /** `NAME ARCHITECTURE VERSION`, sorted. */
  readonly added: readonly string[];
  /** `NAME ARCHITECTURE OLD -> NEW`, sorted. */
  readonly changed: readonly string[];
  /** `NAME ARCHITECTURE VERSION`, sorted. */
  readonly removed: readonly string[];
  /** Bytes that the old plan does not have. What two suites share counts for the first. */
  readonly bytes: number;
  /** e.g. `noble-updates: +2 ~1 -0 packages, 3.1 MiB to fetch` */
  readonly summary: string;
}

/** What becomes of a mirror's suites when a new plan takes the place of an old one. */
export function comparePlans(old: Plan | undefined, wanted: Plan): Record<string, SuiteChange> {
  const before = versionsOf(old);
  const after = versionsOf(wanted);
  const bytes = bytesToFetch(old, wanted);
  const changes: Record<string, SuiteChange> = {};
  for (const suite of new Set([...Object.keys(wanted.suites), ...Object.keys(old?.suites ?? {})])) {
    const was = before.get(suite) ?? new Map<string, string>();
    const is = after.get(suite) ?? new Map<string, string>();
    const added: string[] = [];
    const changed: string[] = [];
    for (const [key, version] of is) {
      const previous = was.get(key);
      if (previous === undefined) added.push(`${key} ${version}`);
      else if (previous !== version) changed.push(`${key} ${previous} -> ${version}`);
    }
    const removed = [...was].filter(([key]) => !is.has(key)).map(([key, version]) => `${key} ${version}`);
    const fetch = bytes.get(suite) ?? 0;
    changes[suite] = {
      added: added.sort(),
      changed: changed.sort(),
      removed: removed.sort(),
      bytes: fetch,
      summary: `${suite}: +${added.length} ~${changed.length} -${removed.length} packages, ${amountOf(fetch)} to fetch`,
    };
  }
  return changes;
}

/** Of several versions of a name all count: `1.0, 1.1`. */
function versionsOf(plan: Plan | undefined): Map<string, Map<string, string>> {
  const sets = new Map<string, Map<string, Set<string>>>();
  for (const { package: found } of plan?.rows ?? []) {
    if (!found) continue;
    const names = sets.get(found.suite) ?? new Map<string, Set<string>>();
    sets.set(found.suite, names);
    const key = `${found.name} ${found.architecture}`;
    names.set(key, (names.get(key) ?? new Set()).add(found.version));
  }
  return new Map(
    [...sets].map(([suite, names]) => [
      suite,
      new Map([...names].map(([key, versions]) => [key, [...versions].sort().join(", ")])),
    ]),
  );
}

function bytesToFetch(old: Plan | undefined, wanted: Plan): Map<string, number> {
  const have = new Set(old?.rows.map(({ sha256 }) => sha256));
  const bytes = new Map<string, number>();
  // In the plan's own order of suites, so that a file that two of them share is always the same one's.
  const rank = new Map(Object.keys(wanted.suites).map((suite, index) => [suite, index]));
  const suiteOf = (row: Plan["rows"][number]) => row.package?.suite ?? suiteAt(row.path, rank.keys()) ?? "";
  const rows = [...wanted.rows].sort((a, b) => (rank.get(suiteOf(a)) ?? 0) - (rank.get(suiteOf(b)) ?? 0));
  for (const row of rows) {
    if (have.has(row.sha256)) continue;
    have.add(row.sha256);
    bytes.set(suiteOf(row), (bytes.get(suiteOf(row)) ?? 0) + row.size);
  }
  return bytes;
}

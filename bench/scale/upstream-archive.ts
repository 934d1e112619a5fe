import { archiveKey } from "../../lab/archive/openpgp-key.ts";
import { poolPath } from "../../lab/archive/publish.ts";
import type { Lab } from "../../lab/lab.ts";
import { type Layout, publishEdition, type UpstreamArchive } from "../mirrors/upstream-archive.ts";
import { smallPackage, smallPackages } from "./packages.ts";

/** Two suites with two components each. The second suite has a fifth of the packages. */
export const layout: Layout = { suites: ["noble", "noble-updates"], components: ["main", "universe"] };

/** The number of packages that have another version in each edition, spread over all indices. */
export const changedCount = 20;

/**
 * Publishes an archive of `count` packages as the lab's `/scale`. In another edition some have another
 * version.
 */
export async function publishLargeArchive(
  lab: Lab,
  count: number,
  edition: number,
): Promise<UpstreamArchive> {
  const key = await archiveKey("ubuntu");
  const debs = [...smallPackages(count)];
  const changed = Array.from(
    { length: changedCount },
    (_, at) => Math.floor((at * count) / changedCount) + (at % 10),
  );
  if (edition > 0) for (const number of changed) debs[number] = smallPackage(number, `${edition + 1}.0-1`);
  const published = debs.map(({ file, facts }, number) => ({
    suite: number % 10 < 2 ? "noble-updates" : "noble",
    component: number % 4 === 0 ? "main" : "universe",
    facts,
    file,
  }));
  await publishEdition(lab, "scale", edition, layout, published);
  return {
    key,
    bytes: debs.reduce((sum, { facts }) => sum + facts.size, 0),
    changedBytes: changed.reduce((sum, number) => sum + (debs[number]?.facts.size ?? 0), 0),
    packages: published.map((each) => ({ path: poolPath(each), sha256: each.facts.sha256 })),
  };
}

import { defaultCache } from "../../../content/metadata-cache.ts";
import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import type { Publication } from "./publication.ts";
import type { Summary } from "./published.ts";

/** The plan of the published snapshot (undefined: nothing is published) and that of the new one. */
export async function planTexts(
  host: Host,
  directory: string,
  published: Summary | undefined,
  wanted: Publication,
): Promise<{ readonly before: string | Buffer | undefined; readonly after: string | Buffer }> {
  const cache = defaultCache();
  const held = async () => {
    if (!published) return undefined;
    const known = await cache.get((await publicationOf(published))?.planText ?? "");
    // Another workstation made it, but the host has a copy.
    return known || publishedPlan(host, directory);
  };
  const [before, after = ""] = await Promise.all([held(), cache.get(wanted.planText)]);
  return { before, after };
}

/** The work list of the published snapshot, if it was planned on this workstation. */
export async function publishedWorkList(published: Summary | undefined): Promise<Buffer | undefined> {
  const known = published && (await publicationOf(published));
  return known && (await defaultCache().get(known.workList));
}

/** The digest comes from a host, so the cached text may be something else than a publication. */
async function publicationOf({ plan }: Summary): Promise<Publication | undefined> {
  const manifest = (await defaultCache().get(plan))?.toString() ?? "";
  return manifest.startsWith('{"planText"') ? (JSON.parse(manifest) as Publication) : undefined;
}

async function publishedPlan(host: Host, directory: string): Promise<string> {
  const read = await host.run(sh`cat ${`${directory}/current/plan`}`, { step: "reading the published plan" });
  return read.stdout;
}

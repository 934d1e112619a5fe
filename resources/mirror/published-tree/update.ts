import { ExplainedError } from "../../../errors/explained-error.ts";
import { digestOf } from "../../../values/digest.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { runJob } from "./job.ts";
import { loadPublication, type Publication } from "./publication.ts";
import { baseSummary, publishedTree } from "./published.ts";
import { disownScript, type Place, removeScript } from "./scripts.ts";
import { uploadTexts } from "./upload-texts.ts";

interface Declared extends Omit<Place, "owner"> {
  /** Digest of the publication to execute. */
  readonly plan: string;
}

/**
 * Publishes the plan of a preview, and returns the new tree's name. `job` makes the script from the publication and
 * the digest of the summary; secret settings are sent separately, as sh.
 *
 * @throws ExplainedError if a part of the plan cannot be obtained: the published snapshot then stays.
 */
export async function publishPlan<P extends Publication>(
  context: ResourceContext,
  { plan, directory, store }: Declared,
  summary: string,
  job: (publication: P, summary: string) => string,
  secret?: string,
): Promise<string> {
  const publication = await loadPublication<P>(plan);
  await uploadTexts(context.host, store, [...publication.texts.values(), Buffer.from(summary)]);
  const list = publication.texts.get(publication.workList);
  const step = "publishing a snapshot";
  const remedy = "Run the update again when upstream works; fetched files are kept.";
  await runJob(
    context,
    job(publication, digestOf(summary)),
    { step, remedy, directory },
    { input: list, secret },
  );
  const published = await context.host.facts(publishedTree(context.host, directory, baseSummary));
  if (published?.summary.plan === plan) return published.tree;
  throw new ExplainedError({
    step,
    found: `the job succeeded, but ${published ? `${published.tree} of another plan is published` : "nothing is published"}`,
    remedy: "Another update of this mirror may have run meanwhile: run the preview again.",
  });
}

/** Serves a kept snapshot again, and returns the name of the published tree. */
export async function restoreTree(
  context: ResourceContext,
  { directory, store }: Declared,
  tree: string,
  summary: string,
  job: (summary: string) => string,
): Promise<string> {
  await uploadTexts(context.host, store, [Buffer.from(summary)]);
  const remedy =
    "Set pinnedTo to another kept snapshot, or remove it to follow upstream again, which also fetches damaged files again.";
  await runJob(context, job(digestOf(summary)), { step: "serving a kept snapshot again", remedy, directory });
  const published = await context.host.facts(publishedTree(context.host, directory, baseSummary));
  return published?.tree ?? tree;
}

/**
 * Removes a mirror's content, or keeps it and warns where it is. `workings` are further files of updates of this kind.
 */
export async function removeTree(
  context: ResourceContext,
  { directory, store, deleteContent }: Omit<Place, "owner"> & { readonly deleteContent: boolean },
  workings: readonly string[] = [],
): Promise<void> {
  if (deleteContent) {
    const script = removeScript({ directory, store, owner: context.id });
    await context.host.run(script, { step: `removing ${directory}` });
    return;
  }
  await context.host.run(disownScript({ directory, owner: context.id }, workings), {
    step: `cleaning up ${directory}`,
  });
  context.warn(
    `The mirror's content stays on ${context.host.name}: ${directory} (and ${store}). Set deleteContent to remove it.`,
  );
}

import { ExplainedError } from "../../../errors/explained-error.ts";
import { digestOf } from "../../../values/digest.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { runJob } from "./job.ts";
import { loadPublication, type Publication } from "./publication.ts";
import { baseSummary, publishedTree } from "./published.ts";
import { disownScript, type Place, removeScript } from "./scripts.ts";
import { uploadTexts } from "./upload-texts.ts";

interface Declared extends Omit<Place, "owner"> {
  /** Digest of the publication to carry out. */
  readonly plan: string;
}

/**
 * Publishes what a preview planned, and says the new tree's name. `job` makes the script, given the publication and
 * the digest of the summary; what is secret of its settings travels apart, as sh.
 *
 * @throws ExplainedError when anything of the plan cannot be had: what was published stays
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
  const remedy = "Run the update again when upstream is well; what has arrived is kept.";
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
    found: `the job ended well, but ${published ? `${published.tree} is published, which is of another plan` : "nothing is published"}`,
    remedy: "Somebody else may have updated this mirror meanwhile: run the preview again.",
  });
}

/** Serves a kept snapshot again, and says the name of the tree that is published then. */
export async function restoreTree(
  context: ResourceContext,
  { directory, store }: Declared,
  tree: string,
  summary: string,
  job: (summary: string) => string,
): Promise<string> {
  await uploadTexts(context.host, store, [Buffer.from(summary)]);
  const remedy =
    "Set pinnedTo to another kept snapshot, or take it out to follow upstream again, which also has its damaged files fetched.";
  await runJob(context, job(digestOf(summary)), { step: "serving a kept snapshot again", remedy, directory });
  const published = await context.host.facts(publishedTree(context.host, directory, baseSummary));
  return published?.tree ?? tree;
}

/** Takes a mirror's content away, or leaves it and says where. `workings` are the kind's own leftovers of updates. */
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
    step: `tidying ${directory}`,
  });
  context.warn(
    `The mirror's content stays on ${context.host.name}: ${directory} (and ${store}). Set deleteContent to have it removed.`,
  );
}

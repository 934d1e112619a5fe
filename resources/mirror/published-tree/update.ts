import { ExplainedError } from "../../../errors/explained-error.ts";
import { digestOf } from "../../../values/digest.ts";
import type { Scene } from "../../kernel/definition.ts";
import { handOver } from "./hand-over.ts";
import { runJob } from "./job.ts";
import { loadPublication, type Publication } from "./publication.ts";
import { anySummary, publishedTree } from "./published.ts";
import { leaveScript, type Place, removeScript } from "./scripts.ts";

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
  scene: Scene,
  { plan, directory, store }: Declared,
  summary: string,
  job: (publication: P, summary: string) => string,
  secret?: string,
): Promise<string> {
  const publication = await loadPublication<P>(plan);
  await handOver(scene.host, store, [...publication.texts.values(), Buffer.from(summary)]);
  const list = publication.texts.get(publication.workList);
  const step = "publishing a snapshot";
  const remedy = "Run the update again when upstream is well; what has arrived is kept.";
  await runJob(
    scene,
    job(publication, digestOf(summary)),
    { step, remedy, directory },
    { input: list, secret },
  );
  const published = await scene.host.facts(publishedTree(scene.host, directory, anySummary));
  if (published?.summary.plan === plan) return published.tree;
  throw new ExplainedError({
    step,
    found: `the job ended well, but ${published ? `${published.tree} is published, which is of another plan` : "nothing is published"}`,
    remedy: "Somebody else may have updated this mirror meanwhile: run the preview again.",
  });
}

/** Serves a kept snapshot again, and says the name of the tree that is published then. */
export async function restoreTree(
  scene: Scene,
  { directory, store }: Declared,
  tree: string,
  summary: string,
  job: (summary: string) => string,
): Promise<string> {
  await handOver(scene.host, store, [Buffer.from(summary)]);
  const remedy =
    "Set pinnedTo to another kept snapshot, or take it out to follow upstream again, which also has its damaged files fetched.";
  await runJob(scene, job(digestOf(summary)), { step: "serving a kept snapshot again", remedy, directory });
  const published = await scene.host.facts(publishedTree(scene.host, directory, anySummary));
  return published?.tree ?? tree;
}

/** Takes a mirror's content away, or leaves it and says where. `workings` are the kind's own leftovers of updates. */
export async function removeTree(
  scene: Scene,
  { directory, store, deleteContent }: Omit<Place, "owner"> & { readonly deleteContent: boolean },
  workings: readonly string[] = [],
): Promise<void> {
  if (deleteContent) {
    const script = removeScript({ directory, store, owner: scene.id });
    await scene.host.run(script, { step: `removing ${directory}` });
    return;
  }
  await scene.host.run(leaveScript({ directory, owner: scene.id }, workings), {
    step: `tidying ${directory}`,
  });
  scene.warn(
    `The mirror's content stays on ${scene.host.name}: ${directory} (and ${store}). Set deleteContent to have it removed.`,
  );
}

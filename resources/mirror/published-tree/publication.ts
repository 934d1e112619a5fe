import { defaultCache } from "../../../content/metadata-cache.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";

/**
 * Everything that is needed to publish one state of a mirror: created and shown by the preview, executed unchanged by
 * the update. It is identified by its digest, as are the texts in it.
 */
export interface Publication {
  /** Digest of the plan's text: the content of the tree, item by item, for comparison with later plans. */
  readonly planText: string;
  /** Digest of the work list's text. */
  readonly workList: string;
  /**
   * Digest of the preview's findings, which are stored with the tree so that it can be served again without upstream.
   */
  readonly contents: string;
  /** Digests of the texts that the workstation uploads, e.g. signed roots. */
  readonly seeds: readonly string[];
}

/** Whether a publication and all its texts are still in the workstation's cache. */
export async function isComplete(plan: string): Promise<boolean> {
  const cache = defaultCache();
  const manifest = await cache.get(plan);
  if (!manifest) return false;
  const publication = JSON.parse(manifest.toString()) as Publication;
  const found = await Promise.all(digestsIn(publication).map((digest) => cache.get(digest)));
  return found.every(Boolean);
}

/**
 * A publication with its texts by digest, from the workstation's cache.
 *
 * @throws ExplainedError if the preview that made it ran on another workstation.
 */
export async function loadPublication<P extends Publication>(
  plan: string,
): Promise<P & { texts: Map<string, Buffer> }> {
  const cache = defaultCache();
  const load = async (digest: string) => {
    const bytes = await cache.get(digest);
    if (bytes) return bytes;
    throw new ExplainedError({
      step: "loading the plan of the preview",
      found: `the plan ${plan.slice(0, 12)} is not complete in this workstation's cache (${digest.slice(0, 12)} is missing)`,
      remedy:
        "Run the update from the workstation of the preview, or without a saved plan, so that it plans again.",
    });
  };
  const publication = JSON.parse((await load(plan)).toString()) as P;
  const digests = digestsIn(publication);
  const texts = await Promise.all(digests.map(async (digest) => [digest, await load(digest)] as const));
  return { ...publication, texts: new Map(texts) };
}

function digestsIn(publication: Publication): string[] {
  const named = Object.values(publication).flat() as string[];
  return [...new Set(named.filter((text) => /^[0-9a-f]{64}$/.test(text)))];
}

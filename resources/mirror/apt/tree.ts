import { z } from "zod";
import { defineResource, isInOrder, type ResourceContext, type Status } from "../../kernel/definition.ts";
import { hostInput } from "../../kernel/host-input.ts";
import { resourceClass } from "../../kernel/resource.ts";
import { requireOwnDirectory } from "../published-tree/ownership.ts";
import { publishedTree, sameIn } from "../published-tree/published.ts";
import { publishPlan, removeTree, restoreTree } from "../published-tree/update.ts";
import { fetchSchema, secretSettings, secretsSchema } from "../published-tree/upstream-access.ts";
import type { AptPublication } from "./publication.ts";
import { publishScript, restoreScript } from "./scripts.ts";

const suite = z.strictObject({
  date: z.string(),
  release: z.string(),
  packages: z.number(),
  bytes: z.number(),
});

const inputs = z.object({
  host: hostInput,
  /** The mirror's directory on the host. */
  directory: z.string(),
  /** The store of its host, on the same file system. */
  store: z.string(),
  signing: z.enum(["mirror", "upstream"]),
  /** Base URL without trailing slash. */
  upstream: z.string(),
  /** Digest of the publication that the preview made, which is stored in the workstation's metadata cache. */
  plan: z.string(),
  suites: z.record(z.string(), suite),
  packages: z.number(),
  bytes: z.number(),
  signingKey: z
    .strictObject({
      directory: z.string(),
      fingerprint: z.string(),
      validSeconds: z.number(),
    })
    .optional(),
  pinnedTo: z.string().optional(),
  keepSnapshots: z.number(),
  fetch: fetchSchema,
  /** Secret values for reaching upstream. A change of these alone does not publish a snapshot. */
  secrets: secretsSchema.optional(),
  deleteContent: z.boolean(),
});
type Inputs = z.output<typeof inputs>;

const outputs = z.object({ tree: z.string().describe("The published snapshot's name below trees/.") });

/** The inputs that a published snapshot was made from. The others only control the work. */
const published = z.object(
  inputs.pick({
    signing: true,
    upstream: true,
    plan: true,
    suites: true,
    packages: true,
    bytes: true,
    signingKey: true,
    keepSnapshots: true,
  }).shape,
);

/** If one of these changes, a snapshot is published. */
const visible = published.extend({ pinnedTo: inputs.shape.pinnedTo });

const summarySchema = published.extend({
  /** The kept snapshot that it was made from, with a new signature. */
  restores: z.string().optional(),
});

export const aptTree = defineResource({
  kind: "AptTree",
  version: 1,
  inputs,
  outputs,
  status: { integrity: "complete", freshness: "fresh" },
  identity: ["directory"],
  secrets: ["secrets"],

  preflight: requireOwnDirectory,

  async observe({ host }, declared) {
    const found = await host.facts(publishedTree(host, declared.directory, summarySchema));
    if (!found) return undefined;
    const { restores, ...summary } = found.summary;
    const { signingKey } = summary;
    const { pinnedTo, upstream, keepSnapshots } = declared;
    return {
      inputs: {
        ...declared,
        ...summary,
        signingKey,
        // For a kept snapshot, its original upstream and keepSnapshots do not matter.
        ...(pinnedTo ? { upstream, keepSnapshots, pinnedTo: restores ?? found.tree } : { pinnedTo }),
      },
      outputs: { tree: found.tree },
      status: { ...found.status, ...(signingKey && freshness(signingKey.validSeconds, found.secondsLeft)) },
    };
  },

  async apply(context, wanted, observed) {
    if (observed && isInOrder(observed) && sameIn(visible, wanted, observed.inputs)) return observed.outputs;
    if (wanted.pinnedTo) return restore(context, wanted, wanted.pinnedTo);
    const { signingKey } = wanted;
    const tree = await publishPlan<AptPublication>(
      context,
      wanted,
      summaryText(wanted),
      ({ planText, contents, signed, completePhases }, summary) =>
        publishScript({
          owner: context.id,
          ...wanted,
          fetch: wanted.fetch,
          keep: wanted.keepSnapshots,
          planText,
          contents,
          summary,
          signingKey: signingKey && { ...signingKey, suites: signed, completePhases },
        }),
      secretSettings(wanted.fetch, wanted.secrets),
    );
    return { tree };
  },

  async remove(context, declared) {
    await removeTree(context, declared, ["reprepro"]);
  },
});

async function restore(
  context: ResourceContext,
  wanted: Inputs,
  pinned: string,
): Promise<z.output<typeof outputs>> {
  const { signingKey, signing } = wanted;
  const text = summaryText(wanted, signing === "mirror" ? pinned : undefined);
  const tree = await restoreTree(context, wanted, pinned, text, (summary) =>
    restoreScript(
      {
        ...wanted,
        owner: context.id,
        keep: wanted.keepSnapshots,
        summary,
        signingKey: signingKey && {
          ...signingKey,
          suites: Object.keys(wanted.suites),
          completePhases: false,
        },
      },
      pinned,
    ),
  );
  return { tree };
}

function summaryText(wanted: Inputs, restores?: string): string {
  return JSON.stringify({ ...published.parse(wanted), restores });
}

/**
 * A signature is renewed in the last third of its validity, so that the signature of a regularly updated mirror does
 * not expire.
 */
function freshness(validSeconds: number, secondsLeft: number | undefined): Status {
  if (validSeconds === 0 || secondsLeft === undefined || secondsLeft > validSeconds / 3) return {};
  return { freshness: secondsLeft > 0 ? `expires in ${Math.ceil(secondsLeft / 3600)} h` : "expired" };
}

/** The content of an apt mirror on its host. Created by AptMirror. */
export class AptTree extends resourceClass(aptTree) {}

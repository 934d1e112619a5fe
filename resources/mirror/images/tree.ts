import { z } from "zod";
import type { HeldImage } from "../../../content/simplestreams/held-image.ts";
import { defineResource, isInOrder } from "../../kernel/definition.ts";
import { hostInput } from "../../kernel/host-input.ts";
import { resourceClass } from "../../kernel/resource.ts";
import { requireOwnDirectory } from "../published-tree/ownership.ts";
import { publishedTree, sameIn } from "../published-tree/published.ts";
import { publishPlan, removeTree, restoreTree } from "../published-tree/update.ts";
import { fetchSchema, secretSettings, secretsSchema } from "../published-tree/upstream-access.ts";
import { publishScript, restoreScript } from "./scripts.ts";

export const heldImageSchema: z.ZodType<HeldImage> = z.strictObject({
  serial: z.string(),
  products: z.record(z.string(), z.array(z.string())),
  bytes: z.number(),
});

const inputs = z.object({
  host: hostInput,
  /** The mirror's directory on the host. */
  directory: z.string(),
  /** The store of its host, on the same file system. */
  store: z.string(),
  /** Base URL without trailing slash. */
  upstream: z.string(),
  /** Digest of the publication that the preview made, which is stored in the workstation's metadata cache. */
  plan: z.string(),
  /** Dates of upstream's index and its product files, by content id; ISO 8601. Older ones are refused later. */
  updated: z.strictObject({ index: z.string(), products: z.record(z.string(), z.string()) }),
  /** The images of the mirror, by `os/release/architecture`. */
  images: z.record(z.string(), heldImageSchema),
  /** Number of different files, including the index, and their bytes. */
  files: z.number(),
  bytes: z.number(),
  pinnedTo: z.string().optional(),
  /** Snapshots to keep, the published one included. */
  keepSnapshots: z.number(),
  fetch: fetchSchema,
  /** Secret values for reaching upstream. A change of these alone does not publish a snapshot. */
  secrets: secretsSchema.optional(),
  deleteContent: z.boolean(),
});

const outputs = z.object({ tree: z.string().describe("The published snapshot's name below trees/.") });

/** The inputs that a published snapshot was made from. The others only control the work. */
const published = z.object(
  inputs.pick({
    upstream: true,
    plan: true,
    updated: true,
    images: true,
    files: true,
    bytes: true,
    keepSnapshots: true,
  }).shape,
);
export type ImageSummary = z.output<typeof published>;

/** If one of these changes, a snapshot is published. */
const visible = published.extend({ pinnedTo: inputs.shape.pinnedTo });

export const imageTree = defineResource({
  kind: "ImageTree",
  version: 1,
  inputs,
  outputs,
  status: { integrity: "complete" },
  identity: ["directory"],
  secrets: ["secrets"],

  preflight: requireOwnDirectory,

  async observe({ host }, declared) {
    const found = await host.facts(publishedTree(host, declared.directory, published));
    if (!found) return undefined;
    const { tree, summary, status } = found;
    const { pinnedTo, keepSnapshots, upstream } = declared;
    return {
      inputs: {
        ...declared,
        ...summary,
        // For a kept snapshot, its original upstream and keepSnapshots do not matter.
        ...(pinnedTo ? { upstream, keepSnapshots, pinnedTo: tree } : {}),
      },
      outputs: { tree },
      status,
    };
  },

  async apply(context, wanted, observed) {
    if (observed && isInOrder(observed) && sameIn(visible, wanted, observed.inputs)) return observed.outputs;
    const { pinnedTo, fetch, keepSnapshots } = wanted;
    const settings = { ...wanted, owner: context.id, keep: keepSnapshots };
    const summary = JSON.stringify(published.parse(wanted));
    if (pinnedTo) {
      const tree = await restoreTree(context, wanted, pinnedTo, summary, (digest) =>
        restoreScript({ ...settings, summary: digest }, pinnedTo),
      );
      return { tree };
    }
    const tree = await publishPlan(
      context,
      wanted,
      summary,
      ({ planText, contents }, digest) => publishScript({ ...settings, planText, contents, summary: digest }),
      secretSettings(fetch, wanted.secrets),
    );
    return { tree };
  },

  remove: (context, declared) => removeTree(context, declared),
});

/** The content of an image mirror on its host. Created by ImageMirror. */
export class ImageTree extends resourceClass(imageTree) {}

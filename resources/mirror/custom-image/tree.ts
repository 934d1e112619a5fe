import { z } from "zod";
import { defineResource, isInOrder } from "../../kernel/definition.ts";
import { hostInput } from "../../kernel/host-input.ts";
import { resourceClass } from "../../kernel/resource.ts";
import { requireOwnDirectory } from "../published-tree/ownership.ts";
import { publishedTree, sameIn } from "../published-tree/published.ts";
import { publishPlan, removeTree } from "../published-tree/update.ts";
import { publishScript } from "./scripts.ts";
import { storeImageFile } from "./store-image-file.ts";

/** A published version of an image. */
export const customImageSchema = z.strictObject({
  os: z.string(),
  release: z.string(),
  releaseTitle: z.string(),
  version: z.string(),
  architecture: z.string(),
  supportEnd: z.string().optional(),
  serial: z.string(),
  sha256: z.string(),
});

const inputs = z.object({
  host: hostInput,
  /** The stream's directory on the host. */
  directory: z.string(),
  /** The store of its host, on the same file system. */
  store: z.string(),
  /** The image's file: on the workstation, or with `onHost` on the host. */
  file: z.strictObject({ path: z.string(), onHost: z.boolean() }),
  /** Digest of the publication that the preview made, which is stored in the workstation's metadata cache. */
  plan: z.string(),
  /** Date of the first publication of this version, ISO 8601. */
  updated: z.string(),
  image: customImageSchema,
  /** Bytes of the image's file. */
  size: z.number(),
  signingKey: z.strictObject({ directory: z.string(), fingerprint: z.string() }),
  keepSnapshots: z.number(),
  deleteContent: z.boolean(),
});

const outputs = z.object({ tree: z.string().describe("The published snapshot's name below trees/.") });

/** The inputs that a published snapshot was made from. If one changes, a snapshot is published. */
const published = z.object(
  inputs.pick({ plan: true, updated: true, image: true, size: true, signingKey: true, keepSnapshots: true })
    .shape,
);

export const customImageTree = defineResource({
  kind: "CustomImageTree",
  version: 1,
  inputs,
  outputs,
  status: { integrity: "complete" },
  identity: ["directory"],

  preflight: requireOwnDirectory,

  async observe({ host }, declared) {
    const found = await host.facts(publishedTree(host, declared.directory, published));
    if (!found) return undefined;
    const { tree, summary, status } = found;
    return { inputs: { ...declared, ...summary }, outputs: { tree }, status };
  },

  async apply(context, wanted, observed) {
    const isWhole = !observed || isInOrder(observed);
    if (observed && isWhole && sameIn(published, wanted, observed.inputs)) return observed.outputs;
    await storeImageFile(context, wanted, !isWhole);
    const tree = await publishPlan(
      context,
      wanted,
      JSON.stringify(published.parse(wanted)),
      (publication, summary) =>
        publishScript(
          {
            ...wanted,
            owner: context.id,
            upstream: "",
            fetch: { parallel: 1, stallSeconds: 30 },
            keep: wanted.keepSnapshots,
            planText: publication.planText,
            contents: publication.contents,
            summary,
          },
          wanted.signingKey,
        ),
    );
    return { tree };
  },

  remove: (context, declared) => removeTree(context, declared),
});

/** The stream of a custom image on its host. Created by CustomImage. */
export class CustomImageTree extends resourceClass(customImageTree) {}

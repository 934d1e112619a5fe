import { z } from "zod";
import type { TrustedKeys } from "../../../content/openpgp/keyring.ts";
import type { Host } from "../../../hosts/host.ts";
import { parsedAs, signedByOtherKeys } from "../published-tree/published.ts";
import { heldImageSchema } from "./tree.ts";

const date = z.string().refine((text) => !Number.isNaN(Date.parse(text)));
const names = z.array(z.string());
const updated = z.object({ index: date, products: z.record(z.string(), date) });

/** The part of a tree's summary that later plans need. */
export const keptSummary = z.object({ plan: z.string(), upstream: z.string(), updated });

const keptPlanSchema = z.object({
  updated,
  images: z.record(z.string(), heldImageSchema),
  files: z.int().nonnegative(),
  bytes: z.number().nonnegative(),
  selections: z.array(
    z.object({ os: z.string(), release: z.string(), arches: names, subarches: names, labels: names }),
  ),
  fingerprints: names,
  notHeld: z.object({
    products: names,
    images: z.array(
      z.object({ os: z.string(), release: z.string(), architecture: z.string(), kernels: names.optional() }),
    ),
  }),
  warnings: names,
});
type KeptPlan = z.output<typeof keptPlanSchema>;

/**
 * The content of a kept snapshot, from its host. The keys for MAAS are the declared ones, independent of the host:
 * otherwise an attacker on the host could sign images.
 *
 * @throws ExplainedError if none of them signed it.
 */
export function checkedKeptPlan(host: Host, tree: string, contents: unknown, key: TrustedKeys): KeptPlan {
  const found = parsedAs(keptPlanSchema, contents, host, `${tree}/contents.json`);
  const fingerprints = found.fingerprints.filter((fingerprint) => key.fingerprints.includes(fingerprint));
  if (fingerprints.length === 0) {
    const by = { signers: found.fingerprints, declared: key.fingerprints };
    throw signedByOtherKeys(host, tree, by, "MAAS");
  }
  return { ...found, fingerprints };
}

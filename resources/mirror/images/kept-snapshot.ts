import { z } from "zod";
import type { TrustedKeys } from "../../../content/openpgp/keyring.ts";
import type { Host } from "../../../hosts/host.ts";
import { parsedAs, signedByOtherKeys } from "../published-tree/published.ts";
import { heldImageSchema } from "./tree.ts";

const date = z.string().refine((text) => !Number.isNaN(Date.parse(text)));
const names = z.array(z.string());
const updated = z.object({ index: date, products: z.record(z.string(), date) });

/** What plans that come after a tree need of its summary. */
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
  // Trees of releases that did not say it are kept, too.
  notHeld: z.object({ products: names, images: names }).default({ products: [], images: [] }),
  warnings: names,
});
type KeptPlan = z.output<typeof keptPlanSchema>;

/**
 * What a kept snapshot is said to hold. The keys that MAAS trusts for it are those that are declared, whatever its host says:
 * else whoever has the host could sign images of their own.
 *
 * @throws ExplainedError where it was signed by none of them
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

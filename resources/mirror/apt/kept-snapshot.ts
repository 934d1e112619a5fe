import { z } from "zod";
import type { TrustedKeys } from "../../../content/openpgp/keyring.ts";
import type { Host } from "../../../hosts/host.ts";
import { parsedAs, signedByOtherKeys } from "../published-tree/published.ts";

/*
 * What a host says of a kept snapshot that is to be served again. It goes into configuration files, and to clients as the key
 * to trust: so it is read once into checked values, and keys come from the declaration alone.
 */

const line = z.string().regex(/^[^\p{Cc}]*$/u);
/** As Release files have them: blanks may be tabs. */
const fieldValue = z.string().regex(/^[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*$/);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const amount = z.int().min(0);

const keptSchema = z.object({
  suites: z.record(
    line,
    z.object({ date: z.iso.datetime(), release: digest, packages: amount, bytes: amount }),
  ),
  packages: amount,
  bytes: amount,
  headers: z.record(line, z.record(z.string().regex(/^[A-Za-z0-9-]+$/), fieldValue)),
  upstreamFingerprints: z.array(z.string().regex(/^[0-9A-F]{40,64}$/)),
  warnings: z.array(z.string().transform((text) => text.replace(/\p{Cc}/gu, " "))).default([]),
});

/** What plans that come after a tree need of its summary. */
export const keptSummary = z.object({
  plan: digest,
  signing: z.enum(["mirror", "upstream"]).optional(),
  signingKey: z.object({ fingerprint: z.string().regex(/^[0-9A-F]{40,64}$/) }).optional(),
  // A tree of a release that did not say it is kept, too.
  suites: z.record(line, z.object({ date: z.iso.datetime() })).default({}),
});

export type KeptSummary = z.output<typeof keptSummary>;

type KeptPlan = z.output<typeof keptSchema> & { readonly upstreamKey: string };

/**
 * @param tree Its directory on the host.
 * @throws ExplainedError where it is not what an update wrote, or where clients would not accept upstream's
 * signature, which it is to be served with
 */
export function checkedKeptPlan(
  host: Host,
  tree: string,
  contents: unknown,
  signing: "mirror" | "upstream",
  keys: TrustedKeys,
): KeptPlan {
  const found = parsedAs(keptSchema, contents, host, `${tree}/contents.json`);
  const signers = found.upstreamFingerprints.filter((each) => keys.fingerprints.includes(each));
  if (signers.length === 0 && signing === "upstream") {
    const by = { signers: found.upstreamFingerprints, declared: keys.fingerprints };
    throw signedByOtherKeys(host, tree, by, "clients");
  }
  return {
    ...found,
    upstreamFingerprints: signers.length > 0 ? signers : [...keys.fingerprints],
    upstreamKey: keys.armored,
  };
}

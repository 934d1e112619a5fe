import { z } from "zod";
import type { TrustedKeys } from "../../../content/openpgp/keyring.ts";
import type { Host } from "../../../hosts/host.ts";
import { parsedAs, signedByOtherKeys } from "../published-tree/published.ts";

/*
 * The data of a kept snapshot that is served again, from its host. It is used in configuration files, so it is parsed
 * once into checked values. Keys come from the declaration alone.
 */

const line = z.string().regex(/^[^\p{Cc}]*$/u);
/** Values of Release files, in which tabs are allowed as blanks. */
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
  warnings: z.array(z.string().transform((text) => text.replace(/\p{Cc}/gu, " "))),
});

/** The part of a tree's summary that later plans need. */
export const keptSummary = z.object({
  plan: digest,
  signing: z.enum(["mirror", "upstream"]),
  signingKey: z.object({ fingerprint: z.string().regex(/^[0-9A-F]{40,64}$/) }).optional(),
  suites: z.record(line, z.object({ date: z.iso.datetime() })),
});

export type KeptSummary = z.output<typeof keptSummary>;

type KeptPlan = z.output<typeof keptSchema> & { readonly upstreamKey: string };

/**
 * @param tree Its directory on the host.
 * @throws ExplainedError if it was not written by an update, or if it has upstream's signature and clients would not
 * accept that.
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

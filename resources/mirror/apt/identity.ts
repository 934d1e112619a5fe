import { z } from "zod";
import { count, firstFive } from "../published-tree/wording.ts";

// Tabs are allowed as blanks.
const plain = z.string().regex(/^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$/);

/** The values in a published snapshot's contents.json by which clients identify it. */
const heldSchema = z.object({
  headers: z.record(z.string(), z.record(z.string(), plain)).default({}),
  upstreamFingerprints: z.array(plain).default([]),
  upstreamKey: z.string().optional(),
});
export type Held = z.output<typeof heldSchema>;

/** The same, read from the host. Undefined if it was not written by an update: then there is nothing to compare. */
export function identityIn(contents: unknown): Held | undefined {
  return heldSchema.safeParse(contents).data;
}

/** How clients identify a mirror: they must accept changes of it, or need another key. */
export interface Identity {
  readonly signing: "mirror" | "upstream";
  /** The head of each suite's Release file. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Full fingerprints of the keys that clients need. Empty: the key will be created. */
  readonly signers: readonly string[];
}

/** Fields whose change the user of apt must accept (pkgAcqMetaBase::VerifyVendor); Suite only for apt before 2.3.2. */
const known = ["Origin", "Label", "Codename", "Suite"];

/** Changes that clients of the published mirror will notice, with what to do about them. */
export function changesForClients(published: Identity, wanted: Identity): string[] {
  const warnings: string[] = [];
  const changed: string[] = [];
  for (const [suite, header] of Object.entries(wanted.headers)) {
    if (!Object.hasOwn(published.headers, suite)) continue;
    const before = new Map(Object.entries(published.headers[suite] ?? {}));
    const after = new Map(Object.entries(header));
    for (const field of known) {
      const [was, is] = [before.get(field) ?? "", after.get(field) ?? ""];
      if (was !== is) changed.push(`${suite} changed its '${field}' value from '${was}' to '${is}'`);
    }
  }
  if (changed.length > 0) {
    warnings.push(
      `upstream changed ${count(changed.length, "field")} of what is published, and apt-get update on clients fails until the change is accepted: ${firstFive(changed)}. Run apt-get update --allow-releaseinfo-change there once, and check pins that use the old values`,
    );
  }
  const before = new Set(published.signers);
  const newSigners = wanted.signers.filter((fingerprint) => !before.has(fingerprint));
  const notCreated = wanted.signers.length === 0;
  if (before.size > 0 && (notCreated || newSigners.length > 0)) {
    const keyName = wanted.signing === "mirror" ? "the mirror's key" : "upstream's key";
    warnings.push(
      `clients need another key than before: ${keyName}, ${notCreated ? "which this update creates" : newSigners.join(", ")}, instead of ${[...before].join(", ")}. A client without it reports NO_PUBKEY${notCreated ? "" : ` ${newSigners[0]?.slice(-16)}`}: deliver the key (output sourcesEntry) before or with this update`,
    );
  }
  return warnings;
}

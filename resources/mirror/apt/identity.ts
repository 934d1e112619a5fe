import { z } from "zod";
import { count, firstFive } from "../published-tree/wording.ts";

// Blanks may be tabs.
const plain = z.string().regex(/^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$/);

/** What the contents.json of a published snapshot says of what clients know it by. */
const heldSchema = z.object({
  headers: z.record(z.string(), z.record(z.string(), plain)).default({}),
  upstreamFingerprints: z.array(plain).default([]),
  upstreamKey: z.string().optional(),
});
export type Held = z.output<typeof heldSchema>;

/** The same, read from the host. Undefined where it is not what an update writes: then there is nothing to compare with. */
export function identityIn(contents: unknown): Held | undefined {
  return heldSchema.safeParse(contents).data;
}

/** By what clients know a mirror: changes of it need their consent, or a key that they do not have. */
export interface Identity {
  readonly signing: "mirror" | "upstream";
  /** The head of each suite's Release file. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Full fingerprints of the keys that clients need. None: a key that is yet to be made. */
  readonly signers: readonly string[];
}

/** Fields whose change apt asks about (pkgAcqMetaBase::VerifyVendor); of Suite, only apt before 2.3.2. */
const known = ["Origin", "Label", "Codename", "Suite"];

/** What clients of the published mirror will say of the one that is to take its place, and what to do about it. */
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
      `upstream calls ${count(changed.length, "thing")} otherwise than what is published, and apt-get update on clients stops until somebody agrees: ${firstFive(changed)}. Run apt-get update --allow-releaseinfo-change there once, and look at pins that name the old values`,
    );
  }
  const before = new Set(published.signers);
  const strange = wanted.signers.filter((fingerprint) => !before.has(fingerprint));
  const unmade = wanted.signers.length === 0;
  if (before.size > 0 && (unmade || strange.length > 0)) {
    const whose = wanted.signing === "mirror" ? "the mirror's own key" : "upstream's key";
    warnings.push(
      `clients need another key than for what is published: ${whose}, ${unmade ? "which this update makes" : strange.join(", ")}, in place of ${[...before].join(", ")}. One that lacks it says NO_PUBKEY${unmade ? "" : ` ${strange[0]?.slice(-16)}`}: deliver the key (output sourcesEntry) before or with this update`,
    );
  }
  return warnings;
}

import { ownValue } from "../../../content/own-value.ts";
import {
  type FoundSource,
  isUnsigned,
  sameRelease,
  sameSelection,
  sourceAt,
} from "../../../maas/boot-sources/state.ts";
import type { DeclaredSource, Inputs } from "./inputs.ts";
import { type ImageState, imageStateText } from "./read-sources.ts";

/** The status if all is in order. */
export const inOrderStatus = { sources: "in use", others: "none" };

/** The sources of MAAS in the form of the declaration, and further problems. */
export function observedSources(
  { sources: declared, exclusive }: Inputs,
  found: readonly FoundSource[],
): { readonly sources: Inputs["sources"]; readonly status: Partial<typeof inOrderStatus> } {
  const sources = new Map<string, DeclaredSource>();
  const adopted = new Set<FoundSource>();
  const faults: string[] = [];
  for (const [name, source] of Object.entries(declared)) {
    const existing = sourceAt(found, source.url);
    if (!existing) continue;
    adopted.add(existing);
    sources.set(name, observedSource(existing, source));
    const fault = faultOf(existing);
    if (fault) faults.push(`${name} ${fault}`);
  }
  const others = exclusive ? found.filter((source) => !adopted.has(source)).map(({ url }) => url) : [];
  return {
    sources: Object.fromEntries(sources),
    status: {
      ...(faults.length > 0 ? { sources: faults.join("; ") } : {}),
      ...(others.length > 0 ? { others: others.join(", ") } : {}),
    },
  };
}

/** The versions in MAAS instead of the declared ones; undefined if they were not read. */
export function observedImages(
  { images: declared }: Inputs,
  states: Readonly<Record<string, ImageState>> | undefined,
): Inputs["images"] {
  if (!states) return declared;
  return Object.fromEntries(
    Object.entries(declared).map(([image, version]) => [
      image,
      imageStateText(ownValue(states, image), version),
    ]),
  );
}

/** The declared source if it is equal: the spelling of URLs and lists does not matter. */
function observedSource(existing: FoundSource, { url, keyring, selections }: DeclaredSource): DeclaredSource {
  const held = existing.keyring.toString("base64");
  const kept = selections.flatMap((wanted) => {
    const made = existing.selections.find((candidate) => sameRelease(candidate, wanted));
    return made ? [sameSelection(made, wanted) ? wanted : fieldsOf(made)] : [];
  });
  const more = existing.selections.filter((made) => !selections.some((wanted) => sameRelease(made, wanted)));
  return {
    url,
    keyring: existing.keyringFilename
      ? `(the file ${existing.keyringFilename})`
      : isUnsigned(url) && !keyring
        ? keyring
        : held,
    selections: [...kept, ...more.map(fieldsOf)],
  };
}

function faultOf({ enabled, skipKeyringVerification, url }: FoundSource): string | undefined {
  if (enabled === false) return "is disabled";
  return skipKeyringVerification && !isUnsigned(url) ? "is used without checking its signature" : undefined;
}

function fieldsOf({ os, release, arches, subarches, labels }: FoundSource["selections"][number]) {
  return { os, release, arches: [...arches], subarches: [...subarches], labels: [...labels] };
}

import { ownValue } from "../../../content/own-value.ts";
import {
  type FoundSource,
  isUnsigned,
  sameRelease,
  sameSelection,
  sourceAt,
} from "../../../maas/boot-source-state.ts";
import type { DeclaredSource, Inputs } from "./inputs.ts";
import { type ImageState, said } from "./read-sources.ts";

/** The sources of MAAS in the words of their declaration. What is not declared is an other one. */
export function asFound(
  { sources: declared, exclusive, others: declaredOthers }: Inputs,
  found: readonly FoundSource[],
): Pick<Inputs, "sources" | "others"> {
  const sources = new Map<string, DeclaredSource>();
  const adopted = new Set<FoundSource>();
  for (const [name, source] of Object.entries(declared)) {
    const there = sourceAt(found, source.url);
    if (!there) continue;
    adopted.add(there);
    sources.set(name, sourceAsFound(there, source));
  }
  const others = found.filter((source) => !adopted.has(source)).map(({ url }) => url);
  return { sources: Object.fromEntries(sources), others: exclusive ? others : declaredOthers };
}

/** The versions that MAAS has in place of those that it is to have; undefined: nobody looked. */
export function imagesFound(
  { images: declared }: Inputs,
  states: Readonly<Record<string, ImageState>> | undefined,
): Inputs["images"] {
  if (!states) return declared;
  return Object.fromEntries(
    Object.entries(declared).map(([image, version]) => [image, said(ownValue(states, image), version)]),
  );
}

/** Where it is as declared, the very same: how URLs and lists are written does not matter. */
function sourceAsFound(there: FoundSource, { url, keyring, selections }: DeclaredSource): DeclaredSource {
  const held = there.keyring.toString("base64");
  const kept = selections.flatMap((wanted) => {
    const made = there.selections.find((candidate) => sameRelease(candidate, wanted));
    return made ? [sameSelection(made, wanted) ? wanted : fieldsOf(made)] : [];
  });
  const more = there.selections.filter((made) => !selections.some((wanted) => sameRelease(made, wanted)));
  return {
    url,
    keyring: there.keyringFilename
      ? `(the file ${there.keyringFilename})`
      : isUnsigned(url) && !keyring
        ? keyring
        : held,
    selections: [...kept, ...more.map(fieldsOf)],
    state: stateOf(there),
  };
}

function stateOf({ enabled, skipKeyringVerification, url }: FoundSource): string {
  if (enabled === false) return "switched off";
  return skipKeyringVerification && !isUnsigned(url) ? "in use, its signature unchecked" : "in use";
}

function fieldsOf({ os, release, arches, subarches, labels }: FoundSource["selections"][number]) {
  return { os, release, arches: [...arches], subarches: [...subarches], labels: [...labels] };
}

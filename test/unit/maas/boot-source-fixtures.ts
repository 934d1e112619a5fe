import { type FoundSource, type WantedSource, withoutSlash } from "../../../maas/boot-sources/state.ts";
import type { Selection } from "../../../maas/operations/selections.ts";
import type { MaasVersion } from "../../../maas/operations/version.ts";
import type { MaasSelection } from "../../../values/maas-selection.ts";

/** Keyrings are only compared here. */
export const bytes = (text: string) => Buffer.from(text);

export const noble: MaasSelection = {
  os: "ubuntu",
  release: "noble",
  arches: ["amd64"],
  subarches: ["*"],
  labels: ["*"],
};

export function declared(fields: Partial<WantedSource> = {}): WantedSource {
  return { url: "http://mirror.dc1/images/", keyring: bytes("keyring"), selections: [noble], ...fields };
}

export function source(fields: Partial<FoundSource> & Pick<FoundSource, "id">): FoundSource {
  return {
    url: "http://mirror.dc1/images/",
    keyringFilename: "",
    keyring: bytes("keyring"),
    selections: [],
    ...fields,
  };
}

export const dead = source({ id: 8, url: "http://gone.dc1/images/", selections: [selected(noble, 3)] });

export function selected(fields: MaasSelection, id: number): Selection {
  return { ...fields, id };
}

export function version(text: string): MaasVersion {
  const [major = 0, minor = 0] = text.split(".").map(Number);
  return { text: `${text}.1`, major, minor };
}

export const without = withoutSlash;

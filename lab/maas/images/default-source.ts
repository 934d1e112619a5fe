import type { Maas } from "../maas.ts";
import { type BootSource, bootSources, selections } from "./boot-sources.ts";

/**
 * Makes MAAS's default source if there is no source: images.maas.io with a selection of the series that machines are
 * commissioned with (maasserver/bootsources.py, `ensure_boot_source_definition`). Up to 3.7 each import does this.
 * Since 3.8 it happens once, when MAAS is installed.
 */
export function ensureDefaultSource(maas: Maas, isInstallation = false): void {
  const { namedSources, commissioningSeries } = maas.version;
  if (bootSources(maas).length > 0 || (namedSources && !isInstallation)) return;
  const url = process.env.MAAS_DEFAULT_IMAGES_URL ?? "http://images.maas.io/ephemeral-v3/stable/";
  const now = maas.now();
  const source: BootSource = {
    id: maas.store.nextId("bootSources"),
    url: namedSources ? url.replace(/\/+$/, "") : url,
    keyringFilename:
      process.env.MAAS_IMAGES_KEYRING_FILEPATH ?? "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg",
    keyringData: "",
    created: now,
    updated: now,
    name: "MAAS Stable",
    priority: 1,
    enabled: true,
    skipKeyringVerification: false,
  };
  bootSources(maas).push(source);
  selections(maas).push({
    id: maas.store.nextId("selections"),
    bootSourceId: source.id,
    os: "ubuntu",
    release: commissioningSeries,
    arches: process.arch === "arm64" ? ["amd64", "arm64"] : ["amd64"],
    subarches: ["*"],
    labels: ["*"],
  });
}

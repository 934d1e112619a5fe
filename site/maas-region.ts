import { z } from "zod";
import type { Holdings } from "../components/apt-mirror/args.ts";
import type { Fault } from "../components/arguments/checked-arguments.ts";
import { architecturesOf, maasArchiveSchema, misfit } from "../components/maas/archive-args.ts";
import { maasBootSourceSchema, uploadedImage } from "../components/maas/boot-source-args.ts";
import { maasSettingsSchema } from "../components/maas/settings-args.ts";
import { ownValue } from "../content/own-value.ts";
import { hostFault } from "../maas/declared-url.ts";
import { maasConnectionSchema } from "../resources/maas/region/connection.ts";

/** The MAAS of the data centre: the connection, and what to change. What is omitted is not changed. */
export const maasRegionSchema = z.strictObject({
  region: maasConnectionSchema.meta({
    description: "A region host, and how to use MAAS's API.",
    see: "maas-settings.md#how-maas-is-reached",
  }),
  settings: maasSettingsSchema.optional().meta({
    description: "Settings of MAAS.",
    defaultText: "not changed",
    see: "maas-settings.md",
  }),
  archive: maasArchiveSchema.optional().meta({
    description: "Where machines get their packages from.",
    defaultText: "not changed",
    see: "maas-archive.md",
  }),
  bootSource: maasBootSourceSchema.optional().meta({
    description: "Where MAAS gets its images from.",
    defaultText: "not changed",
    see: "maas-boot-source.md",
  }),
});

export type DeclaredRegion = z.output<typeof maasRegionSchema>;

/** The components that a region's declaration can name, with the values to check. */
interface Neighbours {
  readonly aptMirrors: Readonly<Record<string, Served & Holdings>>;
  readonly imageMirrors: Readonly<Record<string, Served>>;
  readonly customImages: Readonly<
    Record<string, { readonly via: "upload" } | ({ readonly via: "stream" } & Served)>
  >;
}

interface Served {
  readonly serve: { readonly address?: string | undefined; readonly serverNames: readonly string[] };
}

/** Errors of the names in a region's declaration. Paths are those of the whole site. */
export function regionFaults(maas: DeclaredRegion | undefined, site: Neighbours): Fault[] {
  const faults = maas ? [...archiveFaults(maas, site), ...bootSourceFaults(maas, site)] : [];
  for (const [image, { via }] of Object.entries(site.customImages)) {
    if (via !== "upload" || maas) continue;
    const message = "must be uploaded to MAAS, and no maas is declared: declare maas.region";
    faults.push({ path: ["customImages", image], message });
  }
  // If MAAS uses a mirror twice, an error of the mirror's address is reported once.
  return faults.filter(({ path }, index) => faults.findIndex((one) => same(one.path, path)) === index);
}

function archiveFaults({ archive }: DeclaredRegion, { aptMirrors }: Neighbours): Fault[] {
  const { mainArchive, portsArchive, repositories = {} } = archive ?? {};
  const named = [
    ...Object.entries({ mainArchive, portsArchive }).map(([key, one]) => ({ at: [key], of: one?.mirror })),
    ...Object.entries(repositories).map(([key, one]) => ({ at: ["repositories", key], of: one.mirror })),
  ];
  return named.flatMap(({ at, of }) => {
    if (of === undefined) return [];
    const path = ["maas", "archive", ...at, "mirror"];
    const mirror = ownValue(aptMirrors, of);
    if (!mirror) return [unknown(path, "names no mirror of aptMirrors", aptMirrors)];
    const [kind] = at;
    const misfits = kind && kind in architecturesOf && misfit(kind as keyof typeof architecturesOf, mirror);
    return [...(misfits ? [{ path, message: misfits }] : []), ...addressFaults(["aptMirrors", of], mirror)];
  });
}

function bootSourceFaults(
  { bootSource }: DeclaredRegion,
  { imageMirrors, customImages }: Neighbours,
): Fault[] {
  const at = ["maas", "bootSource"];
  const faults: Fault[] = [];
  if (bootSource?.mirror) {
    const mirror = ownValue(imageMirrors, bootSource.mirror);
    if (!mirror) faults.push(unknown([...at, "mirror"], "names no mirror of imageMirrors", imageMirrors));
    else faults.push(...addressFaults(["imageMirrors", bootSource.mirror], mirror));
  }
  for (const [index, name] of (bootSource?.customImages ?? []).entries()) {
    const image = ownValue(customImages, name);
    const path = [...at, "customImages", index];
    if (!image) faults.push(unknown(path, "names none of customImages", customImages));
    else if (image.via === "stream") faults.push(...addressFaults(["customImages", name], image));
    else {
      faults.push({ path, message: uploadedImage });
    }
  }
  return faults;
}

function unknown(path: readonly PropertyKey[], message: string, known: object): Fault {
  return { path, message: `${message} (there is ${Object.keys(known).join(", ") || "none"})` };
}

/** Errors of a mirror's address, which MAAS would report only after everything else is built. */
function addressFaults(path: readonly PropertyKey[], { serve }: Served): Fault[] {
  const where = serve.address === undefined ? ["serverNames", 0] : ["address"];
  const address = serve.address ?? serve.serverNames[0];
  const message = address === undefined ? undefined : hostFault(address);
  return message ? [{ path: [...path, "serve", ...where], message }] : [];
}

function same(one: readonly PropertyKey[], two: readonly PropertyKey[]): boolean {
  return one.length === two.length && one.every((key, index) => key === two[index]);
}

import * as pulumi from "@pulumi/pulumi";
import { AptMirror } from "./components/apt-mirror/apt-mirror.ts";
import { ClientCheck } from "./components/apt-mirror/client-check.ts";
import { CustomImage } from "./components/custom-image/custom-image.ts";
import { ImageMirror } from "./components/image-mirror/image-mirror.ts";
import { ownValue } from "./content/own-value.ts";
import { configureSsh } from "./hosts/connections.ts";
import { readSite } from "./site/configuration.ts";
import { warnOfUndeclared } from "./site/no-longer-declared.ts";
import { supplyRegion } from "./site/supplied-region.ts";

const site = readSite();
configureSsh({ configFile: site.sshConfig });
void warnOfUndeclared(site);

/** The state keeps a renamed component's resources under the name that they have on the host. */
function underOldName({ nameOnHost }: { readonly nameOnHost?: string | undefined }) {
  return nameOnHost ? { aliases: [{ name: nameOnHost }] } : {};
}

const aptMirrors = Object.fromEntries(
  Object.entries(site.aptMirrors).map(([name, mirror]) => [
    name,
    new AptMirror(name, mirror, underOldName(mirror)),
  ]),
);

const imageMirrors = Object.fromEntries(
  Object.entries(site.imageMirrors).map(([name, mirror]) => [
    name,
    new ImageMirror(name, mirror, underOldName(mirror)),
  ]),
);

const streamedImages = Object.fromEntries(
  Object.entries(site.customImages).flatMap(([name, image]) =>
    image.via === "stream" ? [[name, new CustomImage(name, image, underOldName(image))] as const] : [],
  ),
);

const maas = site.maas?.region;
const bootSource =
  site.maas && supplyRegion(site.maas, { aptMirrors, imageMirrors, customImages: streamedImages });

const uploadedImages = Object.fromEntries(
  Object.entries(site.customImages).flatMap(([name, image]) =>
    image.via === "upload" && maas
      ? [[name, new CustomImage(name, { ...image, maas, imagesFrom: bootSource })] as const]
      : [],
  ),
);

const clientChecks = Object.entries(site.clientChecks).map(([name, check]) => {
  const mirror = ownValue(aptMirrors, check.mirror);
  if (!mirror) throw new pulumi.RunError(`clientChecks.${name}: there is no mirror ${check.mirror}`);
  return [name, new ClientCheck(name, { ...check, mirror })] as const;
});

/** Per package mirror: the URL for clients, the content, and the entry for a client's apt sources. */
export const mirrors = Object.fromEntries(
  Object.entries(aptMirrors).map(([name, { url, contents, fingerprint, tree, sourcesEntry }]) => [
    name,
    { url, contents, fingerprint, tree, sourcesEntry },
  ]),
);

/** Per image mirror: what MAAS needs to use it, and the content. */
export const images = Object.fromEntries(
  Object.entries(imageMirrors).map(([name, { url, keyring, fingerprint, serials, selections, tree }]) => [
    name,
    { url, keyring, fingerprint, serials, selections, tree },
  ]),
);

/** Per custom image: the distro series to deploy machines with, and the version. */
export const customImages = Object.fromEntries(
  Object.entries({ ...streamedImages, ...uploadedImages }).map(([name, { distroSeries, serial, sha256 }]) => [
    name,
    { distroSeries, serial, sha256 },
  ]),
);

/** The images that MAAS has imported, with their versions. */
export const bootImages = bootSource?.images ?? {};

/** Per client check: the result on the client. */
export const clients = Object.fromEntries(clientChecks.map(([name, { answer }]) => [name, answer]));

import type { AptMirror } from "../components/apt-mirror/apt-mirror.ts";
import type { CustomImage } from "../components/custom-image/custom-image.ts";
import type { ImageMirror } from "../components/image-mirror/image-mirror.ts";
import { MaasArchive } from "../components/maas/archive.ts";
import { MaasBootSource } from "../components/maas/boot-source.ts";
import { MaasSettings } from "../components/maas/settings.ts";
import { ownValue } from "../content/own-value.ts";
import type { DeclaredRegion } from "./maas-region.ts";

/** The components that a region's declaration names. */
interface Supplies {
  readonly aptMirrors: Readonly<Record<string, AptMirror>>;
  readonly imageMirrors: Readonly<Record<string, ImageMirror>>;
  readonly customImages: Readonly<Record<string, CustomImage>>;
}

/**
 * Declares the resources of MAAS. The settings come first, so that MAAS imports images without a proxy. Then come the
 * boot source and its images, and last the settings that name images. Package archives do not depend on any of them.
 *
 * @returns The boot source; undefined if none is declared.
 */
export function supplyRegion(declared: DeclaredRegion, supplies: Supplies): MaasBootSource | undefined {
  const { region: maas } = declared;
  const settings =
    declared.settings &&
    new MaasSettings("maas", {
      ...declared.settings,
      maas,
      imagesFrom: Promise.resolve().then(() => images),
    });
  const images: MaasBootSource | undefined =
    declared.bootSource &&
    new MaasBootSource("images", {
      ...declared.bootSource,
      maas,
      mirror: of(supplies.imageMirrors, declared.bootSource.mirror),
      customImages: declared.bootSource.customImages.flatMap((name) => of(supplies.customImages, name) ?? []),
      after: settings?.beforeImages,
    });
  if (declared.archive) {
    const { mainArchive, portsArchive, repositories } = declared.archive;
    const withMirror = <Source extends { readonly mirror?: string | undefined }>(source: Source) => ({
      ...source,
      mirror: of(supplies.aptMirrors, source.mirror),
    });
    new MaasArchive("packages", {
      maas,
      mainArchive: mainArchive && withMirror(mainArchive),
      portsArchive: portsArchive && withMirror(portsArchive),
      repositories: Object.fromEntries(
        Object.entries(repositories).map(([name, repository]) => [name, withMirror(repository)]),
      ),
    });
  }
  return images;
}

function of<Supply>(
  supplies: Readonly<Record<string, Supply>>,
  name: string | undefined,
): Supply | undefined {
  return name === undefined ? undefined : ownValue(supplies, name);
}

import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { trustedKeys, ubuntuImageKeys } from "../../content/openpgp/keyring.ts";
import {
  imagesHeld,
  imagesSelectedBy,
  notServed,
  versionsOf,
} from "../../content/simplestreams/maas-images.ts";
import { pathText } from "../../errors/wrong-input.ts";
import type { BootSourceArgs } from "../../resources/maas/boot-sources/inputs.ts";
import { byPriority } from "../../resources/maas/boot-sources/inputs.ts";
import { getStreamImages } from "../../resources/maas/boot-sources/stream-images.ts";
import { MaasBootSources } from "../../resources/maas/boot-sources.ts";
import type { CustomImage } from "../custom-image/custom-image.ts";
import type { ImageMirror } from "../image-mirror/image-mirror.ts";
import { seenRegion } from "../region/region-check.ts";
import { lookedUp } from "../serving/mirror-site.ts";
import {
  type Foreign,
  type MaasBootSourceArgs,
  type MaasBootSourceSettings,
  maasBootSourceSchema,
  type Selections,
} from "./boot-source-args.ts";

interface Source {
  readonly source: pulumi.Output<BootSourceArgs>;
  /** The versions that MAAS is to have of it, by its names of the images. */
  readonly images: pulumi.Output<Readonly<Record<string, string>>>;
}

/**
 * Where a region gets its images from: the mirror, custom images, further mirrors. All of them together, since MAAS
 * imports from all at once and one that is dead ends every import: there is one MaasBootSource for a region.
 *
 * MAAS is pointed at a mirror only after it was seen to serve: its signature by the very keyring that MAAS gets, and every
 * file that is selected. MAAS itself says nothing of most of what can be wrong there.
 *
 * @example
 * new MaasBootSource("images", { maas: { host: "maas" }, mirror: images, customImages: [rocky9] });
 */
export class MaasBootSource extends pulumi.ComponentResource {
  /** The images that are complete in MAAS, with their versions: `{ "ubuntu/noble amd64/ga-24.04": "20261120" }`. */
  readonly images: pulumi.Output<Readonly<Record<string, string>>>;
  /** URLs of the declared sources, by name. */
  readonly urls: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, args: MaasBootSourceArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:MaasBootSource", name, {}, options);
    const maas = seenRegion(this, `MaasBootSource ${name}`, args.maas);
    const { mirror, customImages = [], after } = args;
    const settings = checked(name, args);
    const sources: Record<string, Source> = {
      ...(mirror ? { mirror: ofMirror(name, mirror, settings.selections) } : {}),
      ...Object.fromEntries(customImages.map((image) => [image.imageName, ofCustomImage(name, image)])),
      ...Object.fromEntries(
        Object.entries(settings.others).map(([key, foreign]) => [
          key,
          this.#ofForeign(`${name}.others.${key}`, maas, foreign),
        ]),
      ),
    };
    const images = pulumi
      .all(byPriority(sources).map(([, source]) => source.images))
      .apply((all) => Object.assign({}, ...all.toReversed()) as Record<string, string>);
    const region = new MaasBootSources(
      `${name}-sources`,
      {
        maas,
        sources: pulumi.all(
          Object.fromEntries(Object.entries(sources).map(([key, { source }]) => [key, source])),
        ) as pulumi.Output<Record<string, BootSourceArgs>>,
        ...(settings.import ? { images } : {}),
        import: settings.import,
        exclusive: settings.exclusive,
        ...(settings.fallback ? { fallback: settings.fallback as { url: string } } : {}),
      },
      { parent: this, dependsOn: [...(mirror ? [mirror] : []), ...customImages, ...(after ? [after] : [])] },
    );
    this.images = pulumi.all([images, region.urn]).apply(([all]) => all);
    this.urls = pulumi
      .all(Object.entries(sources).map(([key, { source }]) => source.apply(({ url }) => [key, url] as const)))
      .apply((entries) => Object.fromEntries(entries) as Record<string, string>);
    this.registerOutputs({ images: this.images, urls: this.urls });
  }

  #ofForeign(path: string, maas: MaasBootSourceArgs["maas"], { url, key, selections }: Foreign): Source {
    const keyring = pulumi.output(keyringOf(key));
    const found = pulumi
      .all([maas.host, maas.direct, keyring])
      .apply(([host, direct, ring]) =>
        lookedUp(this, path, getStreamImages({ host, direct, url, keyring: ring, selections })),
      );
    return { source: keyring.apply((ring) => ({ url, keyring: ring, selections })), images: found.images };
  }
}

function ofMirror(
  name: string,
  { url, keyring, selections, contents, notHeld }: ImageMirror,
  chosen: Selections | undefined,
): Source {
  const taken = pulumi.output(chosen ?? selections) as pulumi.Output<Selections>;
  return {
    source: pulumi.all([url, keyring, taken]).apply(([at, ring, selected]) => ({
      url: at,
      keyring: ring,
      selections: selected,
    })),
    images: pulumi.all([contents, taken, notHeld]).apply(([{ images }, selected, { images: lacking }]) => {
      const held = imagesHeld(images);
      for (const [index, selection] of selected.entries()) {
        const fault = notServed(selection, held, lacking);
        if (fault)
          throw new pulumi.RunError(
            `MaasBootSource ${name} cannot be declared so:\n  selections[${index}]: ${fault}`,
          );
      }
      return versionsOf(imagesSelectedBy(held, selected));
    }),
  };
}

function ofCustomImage(name: string, image: CustomImage): Source {
  const { source } = image;
  if (!source) {
    throw new pulumi.RunError(
      `MaasBootSource ${name} cannot be declared so:\n  customImages: ${image.imageName} is uploaded, so MAAS does not get it from a source: take it out here`,
    );
  }
  return {
    source: source.apply(({ url, keyring, selections }) => ({ url, keyring, selections })),
    images: source.apply(({ images }) => images),
  };
}

async function keyringOf(key: string | undefined): Promise<string> {
  const isPath = key !== undefined && !key.includes("-----BEGIN") && /[/.]/.test(key);
  const { binary } = await trustedKeys(isPath ? resolve(key) : (key ?? ubuntuImageKeys));
  return Buffer.from(binary).toString("base64");
}

/** @throws pulumi.RunError that lists everything that is wrong with the arguments */
function checked(
  name: string,
  { maas: _, mirror, customImages, after: __, ...rest }: MaasBootSourceArgs,
): MaasBootSourceSettings {
  const result = maasBootSourceSchema.safeParse({
    ...rest,
    ...(mirror ? { mirror: "given" } : {}),
    ...(customImages ? { customImages: customImages.map(({ imageName }) => imageName) } : {}),
  });
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `  ${pathText(issue.path)}: ${issue.message}`);
  throw new pulumi.RunError(`MaasBootSource ${name} cannot be declared so:\n${lines.join("\n")}`);
}

import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { trustedKeys, ubuntuImageKeys } from "../../content/openpgp/keyring.ts";
import {
  imagesHeld,
  imagesSelectedBy,
  notServed,
  versionsOf,
} from "../../content/simplestreams/maas-images.ts";
import { type BootSourceArgs, byPriority } from "../../resources/maas/boot-sources/inputs.ts";
import { getStreamImages } from "../../resources/maas/boot-sources/stream-images.ts";
import { MaasBootSources } from "../../resources/maas/boot-sources.ts";
import { type MaasConnectionArgs, maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import { checkedArguments, faultsOf, plainly } from "../arguments/checked-arguments.ts";
import { derived, outputOf } from "../arguments/late-values.ts";
import { lookedUp } from "../arguments/lookup.ts";
import type { CustomImage } from "../custom-image/custom-image.ts";
import type { ImageMirror } from "../image-mirror/image-mirror.ts";
import { seenRegion } from "../region/region-check.ts";
import {
  type BootSourceSettings,
  type Foreign,
  type MaasBootSourceArgs,
  programBootSourceSchema,
  type Selections,
} from "./boot-source-args.ts";

interface Source {
  readonly source: pulumi.Output<BootSourceArgs>;
  /** The versions that MAAS must import from it, by MAAS's names of the images. */
  readonly images: pulumi.Output<Readonly<Record<string, string>>>;
}

/**
 * The image sources of a region: the mirror, custom images and further mirrors. There is one MaasBootSource per
 * region, because MAAS imports from all sources together, and one unreachable source stops every import.
 *
 * MAAS gets a mirror's URL only after a check: its signature is verified with the keyring that MAAS gets, and every
 * selected file must be available. MAAS itself does not report most of these errors.
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
    const { maas: given, after, ...declared } = args;
    const called = `MaasBootSource ${name}`;
    const { settings, each, plain } = checkedArguments(
      this,
      called,
      declared,
      programBootSourceSchema,
      faultsOf(maasConnectionSchema, given, ["maas"]),
    );
    const maas = seenRegion(this, called, plainly(given));
    const mirror = plain("mirror");
    const customImages = plain("customImages");
    let made: Readonly<Record<string, Source>> | undefined;
    // Made once, from the final settings, because each foreign source is read for it.
    const sourcesOf = ({ selections, others }: BootSourceSettings) => {
      made ??= {
        ...(mirror ? { mirror: ofMirror(name, mirror, selections) } : {}),
        ...Object.fromEntries(customImages.map((image) => [image.imageName, ofCustomImage(image)])),
        ...Object.fromEntries(
          Object.entries(others).map(([key, foreign]) => [
            key,
            this.#ofForeign(`${name}.others.${key}`, maas, foreign),
          ]),
        ),
      };
      return made;
    };
    const sources = outputOf(
      derived(settings, (all) =>
        pulumi.all(
          Object.fromEntries(Object.entries(sourcesOf(all)).map(([key, { source }]) => [key, source])),
        ),
      ),
    ) as unknown as pulumi.Output<Record<string, BootSourceArgs>>;
    const images = outputOf(
      derived(settings, (all) =>
        pulumi
          .all(byPriority(sourcesOf(all)).map(([, source]) => source.images))
          .apply((found) => Object.assign({}, ...found.toReversed()) as Record<string, string>),
      ),
    ) as unknown as pulumi.Output<Record<string, string>>;
    const region = new MaasBootSources(
      `${name}-sources`,
      {
        maas,
        sources,
        images: derived(each.import, (imports) => (imports ? images : {})),
        import: each.import,
        exclusive: each.exclusive,
        fallback: each.fallback,
      },
      {
        parent: this,
        dependsOn: [
          ...(mirror ? [mirror] : []),
          ...customImages,
          ...(after ? [after as pulumi.Input<pulumi.Resource>] : []),
        ],
      },
    );
    this.images = pulumi.all([images, region.urn]).apply(([all]) => all);
    this.urls = sources.apply((all) =>
      pulumi.all(Object.fromEntries(Object.entries(all).map(([key, { url }]) => [key, url]))),
    );
    this.registerOutputs({ images: this.images, urls: this.urls });
  }

  #ofForeign(path: string, maas: MaasConnectionArgs, { url, key, selections }: Foreign): Source {
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
            `MaasBootSource ${name} has invalid arguments:\n  selections[${index}]: ${fault}`,
          );
      }
      return versionsOf(imagesSelectedBy(held, selected));
    }),
  };
}

function ofCustomImage({ source }: CustomImage): Source {
  if (!source) throw new TypeError("an image that is uploaded was not refused by the schema");
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

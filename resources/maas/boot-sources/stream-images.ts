import { defaultCache } from "../../../content/metadata-cache.ts";
import { type ImageVersions, versionsOf } from "../../../content/simplestreams/maas-images.ts";
import { hostNamed } from "../../../hosts/connections.ts";
import { offeredImages, selectedImages } from "./preflight.ts";
import { readerOnHost, readerOnWorkstation } from "./stream-reader.ts";

interface StreamImagesRequest {
  /** The region host, which reads the stream. */
  readonly host: string;
  /** Whether to read it from this workstation instead. */
  readonly direct?: boolean | undefined;
  readonly url: string;
  /** Binary, in base64. */
  readonly keyring: string;
  readonly selections: Parameters<typeof selectedImages>[1];
}

interface StreamImages {
  /** The versions that MAAS would import now, by its names of images. */
  readonly images: ImageVersions;
  readonly changes: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The current images of a stream for the given selections, as seen by a region.
 *
 * @throws ExplainedError if it does not answer, or its signature is invalid.
 */
export async function getStreamImages(request: StreamImagesRequest): Promise<StreamImages> {
  const seen = request.direct ? readerOnWorkstation() : readerOnHost(hostNamed(request.host));
  const cache = defaultCache();
  const { images } = await offeredImages(seen, request.url, Buffer.from(request.keyring, "base64"), cache);
  await cache.prune();
  return { images: versionsOf(selectedImages(images, request.selections)), changes: [], warnings: [] };
}

import { setTimeout as pause } from "node:timers/promises";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { isBrokenConnection } from "../../../maas/broken-connection.ts";
import type { MaasClient } from "../../../maas/client.ts";
import {
  type BootResourceDetail,
  type BootResourceFile,
  createBootResource,
  readBootResource,
  type UploadFields,
  uploadChunk,
} from "../../../maas/operations/boot-resources.ts";
import { MaasRefusal } from "../../../maas/refusal.ts";
import { isUnavailable } from "../../../maas/unavailable.ts";
import { chunkSize, type ReadChunk } from "./chunks.ts";

export interface UploadLimits {
  /** Milliseconds between two checks of MAAS. */
  readonly pollMs: number;
  /** Milliseconds until a completely sent file is complete in MAAS, which copies it to its other regions. */
  readonly completeMs: number;
}

export const defaultUploadLimits: UploadLimits = { pollMs: 2000, completeMs: 600_000 };

/** How often MAAS may be unavailable without progress: with the pauses between, most of a minute. */
const maximumBreaks = 6;
/**
 * Maximum difference in bytes between MAAS's progress (in percent) and a multiple of a chunk, for which it still
 * counts as that.
 */
const tolerance = 65_536;

/**
 * Uploads an image. Parts that MAAS already has are not sent again, as far as that can be determined; MAAS checks the
 * SHA-256 of the whole file. MAAS appends each part, so no part is sent again before a check of what has arrived.
 *
 * @param existing The existing image in MAAS with this name.
 */
export async function upload(
  client: MaasClient,
  fields: UploadFields,
  existing: BootResourceDetail | undefined,
  read: ReadChunk,
  limits: UploadLimits,
  progress: (line: string) => void,
): Promise<BootResourceDetail> {
  const begun = existing && unfinished(existing, fields);
  let at = begun && arrived(begun);
  let resource = existing;
  if (!resource || at === undefined) {
    resource = await createBootResource(client, fields);
    at = 0;
  } else {
    progress(`continuing at ${percent(at, fields.size)} %: MAAS has the beginning`);
  }
  try {
    return await send(client, resource, fields, at, read, limits, progress);
  } catch (error) {
    if (!begun || at === 0 || !(error instanceof MaasRefusal) || error.status !== 400) throw error;
    progress("MAAS has other content: starting again");
    const again = await createBootResource(client, fields);
    return send(client, again, fields, 0, read, limits, progress);
  }
}

async function send(
  client: MaasClient,
  { id, sets }: BootResourceDetail,
  { size, name, sha256 }: UploadFields,
  from: number,
  read: ReadChunk,
  limits: UploadLimits,
  progress: (line: string) => void,
): Promise<BootResourceDetail> {
  const file = sets.at(-1)?.files.find((candidate) => candidate.sha256 === sha256);
  let at = file?.complete ? size : from;
  let breaks = 0;
  let shown = -1;
  while (at < size) {
    const length = Math.min(chunkSize, size - at);
    const chunk = await read(at, length);
    const before = at;
    at = await uploadChunk(client, file?.uploadUri ?? noUploadAddress(name), chunk).then(
      () => before + length,
      (error: unknown) => arrivedBytes(client, { id, sha256, size, at: before, length }, limits, error),
    );
    // A part that did not arrive is sent again a limited number of times.
    breaks = at > before ? 0 : breaks + 1;
    if (breaks > maximumBreaks) throw noProgressError(name, at);
    if (percent(at, size) !== shown) {
      shown = percent(at, size);
      progress(`${shown} % of ${(size / 1048576).toFixed(1)} MiB are uploaded`);
    }
  }
  return untilComplete(client, id, name, limits);
}

interface Part {
  readonly id: number;
  readonly sha256: string;
  readonly size: number;
  readonly at: number;
  readonly length: number;
}

/** Checks whether a part has arrived: MAAS appends each part, so it is not sent again without a check. */
async function arrivedBytes(
  client: MaasClient,
  { id, sha256, size, at, length }: Part,
  limits: UploadLimits,
  cause: unknown,
): Promise<number> {
  if (!isTemporary(cause)) throw cause;
  for (let looks = 1; ; looks++) {
    await pause(limits.pollMs * looks);
    try {
      const { sets } = await readBootResource(client, id);
      const file = sets.at(-1)?.files.find((candidate) => candidate.sha256 === sha256);
      if (file?.complete) return size;
      // With several regions MAAS counts what all of them have: less than the region that received the part.
      const have = ((file?.progress ?? 0) / 100) * size;
      const known = [at, at + length].find((candidate) => Math.abs(candidate - have) <= tolerance);
      if (file === undefined || known === undefined) throw cause;
      return known;
    } catch (error) {
      if (!isTemporary(error) || looks === maximumBreaks) throw cause;
    }
  }
}

/** Whether MAAS may only be temporarily unavailable. */
function isTemporary(error: unknown): boolean {
  return isBrokenConnection(error) || (error instanceof MaasRefusal && isUnavailable(error.status));
}

function unfinished(
  { sets }: BootResourceDetail,
  { sha256, size }: UploadFields,
): BootResourceFile | undefined {
  return sets
    .at(-1)
    ?.files.find((file) => !file.complete && file.sha256 === sha256 && file.size === size && file.uploadUri);
}

/** Bytes of a file in MAAS, if that is certainly a whole number of our parts. */
function arrived({ progress, size }: BootResourceFile): number | undefined {
  const have = (progress / 100) * size;
  const parts = Math.round(have / chunkSize) * chunkSize;
  return Math.abs(parts - have) <= tolerance && parts < size ? parts : undefined;
}

async function untilComplete(
  client: MaasClient,
  id: number,
  name: string,
  limits: UploadLimits,
): Promise<BootResourceDetail> {
  const until = Date.now() + limits.completeMs;
  for (;;) {
    const resource = await readBootResource(client, id);
    if (resource.sets.at(-1)?.complete) return resource;
    if (Date.now() > until) {
      throw new ExplainedError({
        step: `waiting until MAAS has the complete image ${name}`,
        found: `everything was sent, but after ${Math.round(limits.completeMs / 1000)} s it is not complete`,
        remedy:
          "See regiond's log, and with several regions check that they reach each other, then run the update again.",
      });
    }
    await pause(limits.pollMs);
  }
}

function percent(part: number, whole: number): number {
  return Math.floor((100 * part) / whole);
}

function noUploadAddress(name: string): never {
  throw new ExplainedError({
    step: `uploading the image ${name}`,
    found: "MAAS does not return an upload address for it",
    remedy: "Another version may have been uploaded meanwhile: run the update again.",
  });
}

function noProgressError(name: string, at: number): ExplainedError {
  return new ExplainedError({
    step: `uploading the image ${name}`,
    found: `the part at ${at} bytes was sent ${maximumBreaks + 1} times and never arrived`,
    remedy: "Check why the connections to MAAS break, then run the update again: it continues from there.",
  });
}

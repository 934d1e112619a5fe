import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { ExplainedError } from "../errors/explained-error.ts";

export type Compression = "none" | "gz" | "xz" | "zst";

/** By a file name's ending. Other endings count as uncompressed. */
export function compressionOf(path: string): Compression {
  return (/\.(gz|xz|zst)$/.exec(path)?.[1] as Compression | undefined) ?? "none";
}

/**
 * Unpacks what was verified before. Stops with an error at more than `maximum` bytes: a small file
 * can unpack to an endless one.
 *
 * @param name What the bytes are called in errors.
 */
export async function decompress(
  bytes: Buffer,
  compression: Compression,
  maximum: number,
  name: string,
): Promise<Buffer> {
  if (compression === "none") return bytes;
  try {
    if (compression === "gz") return await gunzip(bytes, maximum);
    if (compression === "zst") {
      // Node has had zstd since 22.15.
      if (!zlib.zstdDecompress) throw new Error("this Node cannot unpack zstd: 22.15 is the first that can");
      return await promisify(zlib.zstdDecompress)(bytes, { maxOutputLength: maximum });
    }
    return await unxz(bytes, maximum);
  } catch (error) {
    throw new ExplainedError({
      step: `unpacking ${name}`,
      found: `it is no ${compression} data, or damaged, or larger than ${maximum} bytes unpacked (${(error as Error).message})`,
      remedy: "Ask those who run the archive: what was published is not what its name says.",
      cause: error,
    });
  }
}

async function unxz(bytes: Buffer, maximum: number): Promise<Buffer> {
  // A CommonJS package: its exports are the default one, and also named ones where a loader finds them.
  const loaded = (await import("xz-decompress")) as typeof import("xz-decompress") & {
    default?: typeof import("xz-decompress");
  };
  const { XzReadableStream } = loaded.default ?? loaded;
  // In pieces: the decoder copies what it is given into its own memory at once.
  let offset = 0;
  const pieces = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(offset, offset + 65_536));
      offset += 65_536;
    },
  });
  const reader = new XzReadableStream(pieces).getReader();
  return gather(
    (async function* () {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    })(),
    maximum,
  );
}

async function gunzip(bytes: Buffer, maximum: number): Promise<Buffer> {
  const stream = zlib.createGunzip({ chunkSize: 262_144 });
  stream.end(bytes);
  return gather(stream, maximum);
}

/** Pieces put together as they come: an index is large enough that having it twice would be felt. */
async function gather(pieces: AsyncIterable<Uint8Array>, maximum: number): Promise<Buffer> {
  let whole = Buffer.allocUnsafeSlow(Math.min(maximum, 64 * 1024 * 1024));
  let length = 0;
  for await (const piece of pieces) {
    if (length + piece.length > maximum) throw new Error(`more than ${maximum} bytes`);
    if (length + piece.length > whole.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.min(maximum, Math.max(whole.length * 2, length + piece.length)),
      );
      whole.copy(larger, 0, 0, length);
      whole = larger;
    }
    whole.set(piece, length);
    length += piece.length;
  }
  return whole.subarray(0, length);
}

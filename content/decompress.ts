import * as zlib from "node:zlib";
import { ExplainedError } from "../errors/explained-error.ts";
import { bunzip2 } from "./bzip2.ts";

export type Compression = "none" | "gz" | "xz" | "zst" | "bz2";

/** By the extension of a file name. Other extensions count as uncompressed. */
export function compressionOf(path: string): Compression {
  return (/\.(gz|xz|zst|bz2)$/.exec(path)?.[1] as Compression | undefined) ?? "none";
}

/**
 * Uncompresses piece by piece, as fast as the pieces are consumed: a small file can expand without end, and the
 * consumer may stop.
 *
 * @param name The name of the data in errors.
 */
export async function* unpacked(
  bytes: Buffer,
  compression: Compression,
  name: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* decoderOf(bytes, compression);
  } catch (error) {
    throw new ExplainedError({
      step: `unpacking ${name}`,
      found: `it is not valid ${compression} data (${(error as Error).message})`,
      remedy: "Ask the operator of the archive: the content of the file does not match its name.",
      cause: error,
    });
  }
}

/**
 * Uncompresses small data. Throws if it has more than `maximum` bytes.
 *
 * @param name The name of the data in errors.
 */
export async function decompress(
  bytes: Buffer,
  compression: Compression,
  maximum: number,
  name: string,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of unpacked(bytes, compression, name)) {
    length += piece.length;
    if (length > maximum) {
      throw new ExplainedError({
        step: `unpacking ${name}`,
        found: `it has more than ${maximum} bytes uncompressed, which is too much for a file of its kind`,
        remedy: "Check the file: it is damaged, or made to exhaust memory.",
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}

function decoderOf(
  bytes: Buffer,
  compression: Compression,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (compression === "gz") return fedWith(zlib.createGunzip({ chunkSize: 262_144 }), bytes);
  if (compression === "bz2") return bunzip2(bytes);
  if (compression === "xz") return unxz(bytes);
  if (compression === "none") return slicesOf(bytes);
  // Node has had zstd since 22.15.
  if (!zlib.createZstdDecompress) throw new Error("this Node does not support zstd: use 22.15 or newer");
  return fedWith(zlib.createZstdDecompress({ chunkSize: 262_144 }), bytes);
}

function* slicesOf(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1_048_576) yield bytes.subarray(at, at + 1_048_576);
}

function fedWith(decoder: NodeJS.ReadWriteStream & AsyncIterable<string | Buffer>, bytes: Buffer) {
  decoder.end(bytes);
  return decoder as AsyncIterable<Buffer>;
}

async function* unxz(bytes: Buffer): AsyncGenerator<Uint8Array> {
  // A CommonJS package: its exports are the default export, and also named ones if the loader detects them.
  const loaded = (await import("xz-decompress")) as typeof import("xz-decompress") & {
    default?: typeof import("xz-decompress");
  };
  const { XzReadableStream } = loaded.default ?? loaded;
  // In pieces, because the decoder copies a piece into its own memory immediately.
  let offset = 0;
  const pieces = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(offset, offset + 65_536));
      offset += 65_536;
    },
  });
  const reader = new XzReadableStream(pieces).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // The consumer may stop early.
    await reader.cancel();
  }
}

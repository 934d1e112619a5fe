import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";

/** Bytes per request, as in MAAS's own client (maascli/actions/boot_resources_create.py). */
export const chunkSize = 4 * 1024 * 1024;

/** Reads a part of an image's file; only one part is in memory. */
export type ReadChunk = (offset: number, length: number) => Promise<Buffer>;

/** Parts of a file on this workstation. */
export function localChunks(path: string): ReadChunk {
  return async (offset, length) => {
    const file = await open(resolve(path));
    try {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
      return whole(path, buffer.subarray(0, bytesRead), length);
    } finally {
      await file.close();
    }
  };
}

/** Parts of a file on a host, transferred as text. */
export function remoteChunks(host: Host, path: string): ReadChunk {
  return async (offset, length) => {
    const { stdout } = await host.run(
      sh`tail -c ${`+${offset + 1}`} -- ${path} | head -c ${length} | base64 -w 0`,
      { step: `reading ${path}` },
    );
    return whole(path, Buffer.from(stdout, "base64"), length);
  };
}

function whole(path: string, chunk: Buffer, length: number): Buffer {
  if (chunk.length === length) return chunk;
  throw new ExplainedError({
    step: `reading ${path}`,
    found: "it has become shorter since its size was read",
    remedy: "Another program is changing the file: run the update again when it is complete.",
    values: ["file"],
  });
}

import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { badRequest, bug, forbidden } from "../answers.ts";
import type { Maas } from "../maas.ts";
import { type BootResource, isFileComplete, type ResourceFile } from "./boot-resources.ts";

/**
 * Appends a chunk to an uploaded image's file. Keeps the content only until it is complete and verified. Throws MAAS's
 * answer to a chunk that is empty or too large, or that gives the file a wrong digest. The file is then unchanged.
 */
export function storeChunk(maas: Maas, resource: BootResource, file: ResourceFile, chunk: Buffer): void {
  if (chunk.length === 0) throw badRequest("Missing data.");
  if (resource.type !== "Uploaded") throw forbidden("Cannot upload to a resource of type: 0.");
  if (isFileComplete(file)) throw badRequest("Cannot upload to a complete file.");
  if (file.stored + chunk.length > file.size) throw badRequest("Too much data received.");
  if (maas.faults.diskFull) throw bug("[Errno 28] No space left on device");
  const path = join(maas.store.uploads, String(file.id));
  const descriptor = openSync(path, existsSync(path) ? "r+" : "w");
  writeSync(descriptor, chunk, 0, chunk.length, file.stored);
  closeSync(descriptor);
  const stored = file.stored + chunk.length;
  if (stored === file.size) {
    const content = readFileSync(path).subarray(0, file.size);
    if (createHash("sha256").update(content).digest("hex") !== file.sha256) {
      throw badRequest("Saved content does not match given SHA256 value.");
    }
    rmSync(path);
  }
  file.stored = stored;
}

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { FileAttributes, UploadSource } from "./host.ts";
import { sh } from "./shell.ts";

/**
 * Writes standard input to a file, whole or not at all. The hidden file beside the target gets its owner and
 * mode while it is empty, so nobody who may not read the content ever can; owner first, as a change of owner
 * takes set-uid bits away. Whatever ends the script takes the hidden file with it.
 */
export function replaceFileScript(path: string, { mode, owner, group }: FileAttributes): string {
  const directory = path.slice(0, path.lastIndexOf("/")) || "/";
  const hidden = `${directory.replace(/\/$/, "")}/.airgapped-maas.${randomBytes(8).toString("hex")}`;
  // A shell tells when its command was ended by a signal; with the connection gone, SIGPIPE would then end the
  // shell itself before it has cleaned up.
  return `umask 077
temporary=${sh`${hidden}`}
clean() { trap '' TERM HUP INT; rm -f -- "$temporary"; }
trap '' PIPE
trap clean EXIT
trap 'clean; exit 143' TERM HUP INT
touch -- "$temporary" &&
chown -- ${sh`${`${owner}:${group}`}`} "$temporary" &&
chmod -- ${mode.toString(8).padStart(4, "0")} "$temporary" &&
cat > "$temporary" &&
sync -- "$temporary" &&
mv -fT -- "$temporary" ${sh`${path}`} &&
sync -- ${sh`${directory}`}
`;
}

export function openSource(source: UploadSource): Buffer | Readable {
  return "file" in source ? createReadStream(source.file, { highWaterMark: 1 << 20 }) : source;
}

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { FileAttributes, UploadSource } from "./host.ts";
import { sh } from "./shell.ts";

/**
 * Writes standard input to a file atomically. The hidden file beside the target gets its owner and mode while it is
 * empty, so its content is never readable by others; owner first, as a change of owner clears set-uid bits. If the
 * script ends early, it removes the hidden file.
 */
export function replaceFileScript(path: string, { mode, owner, group }: FileAttributes): string {
  const directory = path.slice(0, path.lastIndexOf("/")) || "/";
  const hidden = `${directory.replace(/\/$/, "")}/.airgapped-maas.${randomBytes(8).toString("hex")}`;
  // A shell reports when its command was ended by a signal. Without a connection, SIGPIPE would then end the shell
  // before it has cleaned up.
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

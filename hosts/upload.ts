import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { FileAttributes, UploadSource } from "./host.ts";
import { sh } from "./shell.ts";

/**
 * Writes standard input to a file atomically. The content is first in a hidden directory beside the target, which no other
 * user can read. A user who owns the target's directory may put a link in its place at any time; what is done in the current
 * directory does not follow it. If the script ends early, it removes the hidden directory.
 */
export function replaceFileScript(path: string, { mode, owner, group }: FileAttributes): string {
  const slash = path.lastIndexOf("/");
  const hidden = `${path.slice(0, slash)}/.airgapped-maas.${randomBytes(8).toString("hex")}`;
  // A shell reports when its command was ended by a signal. Without a connection, SIGPIPE would then end the shell
  // before it has cleaned up. A change of the owner clears set-uid bits, so the mode follows it.
  return `umask 077
temporary=${sh`${hidden}`}
clean() { trap '' TERM HUP INT; cd /; rm -rf -- "$temporary"; }
is_mine() {
  [ "$PWD" = "$above/\${temporary##*/}" ] &&
  [ "$(find . -maxdepth 0 -uid "$(id -u)" ! -perm /077 -empty)" = . ] && return
  echo "another user is changing $temporary" >&2
  return 1
}
trap '' PIPE
trap clean EXIT
trap 'clean; exit 143' TERM HUP INT
mkdir -- "$temporary" &&
cd -P -- "\${temporary%/*}/" &&
above=\${PWD%/} &&
cd -P -- "./\${temporary##*/}" &&
is_mine &&
cat > new &&
chown -- ${sh`${`${owner}:${group}`}`} new &&
chmod -- ${mode.toString(8).padStart(4, "0")} new &&
sync -- new &&
mv -fT -- new ${sh`${`../${path.slice(slash + 1)}`}`} &&
sync -- ..
`;
}

export function openSource(source: UploadSource): Buffer | Readable {
  return "file" in source ? createReadStream(source.file, { highWaterMark: 1 << 20 }) : source;
}

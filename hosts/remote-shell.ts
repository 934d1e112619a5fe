import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import type { ClientChannel } from "ssh2";
import { quote } from "./shell.ts";

/** A script on its way to a host: what goes into the arguments (nothing of the script) and into standard input. */
export interface RemoteScript {
  /** For the login shell, whichever that is. */
  readonly command: string;
  /** What to send first on standard input. */
  readonly preamble: Buffer;
  /** Printed as a line on both outputs when the script starts; what comes before it is not the script's. */
  readonly mark: string;
}

const environment =
  "export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin; umask 022";

/**
 * Standard input carries three things, one after the other: the script, its own standard input in counted
 * pieces (`LENGTH\n` and the bytes, `0\n` last), and then nothing for as long as the script may live.
 *
 * So a script can neither be cut short nor be given half an input: when standard input ends early, the
 * connection or this process is gone, and everything the script started in its process group (sshd makes one
 * for each session) is ended, TERM first, KILL after 5 s, while its input is still held open. A script that
 * waits for the end of its input, as `cat > file` does, never sees that end unless it was sent.
 *
 * The supervising shell's own messages go to /dev/null: they are about its reader, never about the script.
 */
export function remoteScript(script: string, { sudo }: { sudo: boolean }): RemoteScript {
  const mark = `start-${randomBytes(12).toString("hex")}`;
  const text = `${environment}
exec 3<&0 4>&2 2>/dev/null
printf '%s\\n' ${mark}; printf '%s\\n' ${mark} >&4
{
  trap '' TERM HUP
  exec 4>&-
  read -r self rest </proc/self/stat; echo "$self"
  while read -r length <&3; do
    if [ "$length" = 0 ]; then exec >/dev/null; read -r rest <&3; break; fi
    head -c "$length" <&3 || { exec >/dev/null; cat <&3; break; }
  done
  kill -TERM 0; sleep 5; kill -KILL 0
} | {
  exec 3<&-
  read -r reader
  ( eval ${quote(script)} ) 2>&4 4>&-
  code=$?
  kill -KILL "$reader"
  exit $code
}
`;
  const preamble = Buffer.from(text);
  const shell = `sh -c 'eval "$(head -c ${preamble.length})"'`;
  return { command: sudo ? `exec env LC_ALL=C sudo -n ${shell}` : `exec ${shell}`, preamble, mark };
}

/** Sends a script's input in counted pieces and returns when all of it is written; leaves the channel open. */
export async function sendInput(channel: ClientChannel, input: string | Buffer | Readable): Promise<void> {
  const send = (piece: Buffer) => {
    channel.write(`${piece.length}\n`);
    return writeAll(channel, piece);
  };
  if (typeof input === "string" || Buffer.isBuffer(input)) {
    const whole = Buffer.from(input as string);
    if (whole.length > 0) await send(whole);
  } else {
    if (input.errored) throw input.errored;
    for await (const chunk of input) {
      if (channel.destroyed) return;
      const piece = typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Buffer);
      if (piece.length > 0) await send(piece);
    }
  }
  await writeAll(channel, Buffer.from("0\n"));
}

/** Waits until the channel has taken the bytes, so that no more than one piece is held here. */
function writeAll(channel: ClientChannel, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    // A channel that closes first never calls back; why it closed is reported by whoever reads it.
    const done = () => {
      channel.off("close", done);
      resolve();
    };
    if (channel.destroyed || !channel.writable) return resolve();
    channel.once("close", done);
    channel.write(bytes, done);
  });
}

/** What the script itself printed: everything after the mark; undefined when it never started. */
export function afterMark(output: Buffer, mark: string): Buffer | undefined {
  const index = output.indexOf(`${mark}\n`);
  return index < 0 ? undefined : output.subarray(index + mark.length + 1);
}

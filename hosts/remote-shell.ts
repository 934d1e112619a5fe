import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import type { ClientChannel } from "ssh2";
import { quote } from "./shell.ts";

/** A script to send to a host: its command line, which contains no part of the script, and its standard input. */
interface RemoteScript {
  /** Works with any login shell. */
  readonly command: string;
  /** What to send first on standard input. */
  readonly preamble: Buffer;
  /** Printed as a line on both outputs when the script starts. Output before it is not the script's. */
  readonly mark: string;
}

const environment =
  "export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin; umask 022";

/**
 * Standard input has three parts: the script, then the script's own standard input in counted pieces (`LENGTH\n` and
 * the bytes, `0\n` last), then nothing while the script may run.
 *
 * So a script is always complete, and it never gets only a part of its input. If standard input ends early, the
 * connection or this process has ended. Then everything that the script started in its process group (sshd makes one
 * for each session) is ended, with TERM first and KILL after 5 s. Its input stays open until then. A script that
 * waits for the end of its input, as `cat > file` does, never sees that end unless it was sent.
 *
 * The supervising shell's own messages go to /dev/null: they concern the reader of its input, never the script.
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

/** Waits until the channel has accepted the bytes, so that only one piece is in memory. */
function writeAll(channel: ClientChannel, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    // A channel that closes first never calls back. Its reader reports why it closed.
    const done = () => {
      channel.off("close", done);
      resolve();
    };
    if (channel.destroyed || !channel.writable) return resolve();
    channel.once("close", done);
    channel.write(bytes, done);
  });
}

/** The script's own output: everything after the mark; undefined if it did not start. */
export function afterMark(output: Buffer, mark: string): Buffer | undefined {
  const index = output.indexOf(`${mark}\n`);
  return index < 0 ? undefined : output.subarray(index + mark.length + 1);
}

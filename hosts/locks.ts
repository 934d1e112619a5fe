import { hostname, userInfo } from "node:os";
import { PassThrough } from "node:stream";
import { ExplainedError } from "../errors/explained-error.ts";
import type { Host, LockOptions } from "./host.ts";
import { sh } from "./shell.ts";

const heartbeatMs = 15_000;
/** Seconds without a heartbeat after which the host takes the lock back: a connection can die without a word. */
const silenceSeconds = 60;

/**
 * Holds a lock for as long as a process on the host lives, whose life is tied to its channel. The lock is of the
 * kernel (flock), so nothing is ever left locked; the file only tells who holds it. /run is memory: neither a
 * full nor a read-only disk matters.
 */
export async function holdLock<T>(
  host: Host,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  if (!/^[\w.@-]+$/.test(name)) throw new TypeError(`${name} is not a name for a lock`);
  const { waitMs = 0, onWait } = options;
  const holder = `${userInfo().username}@${hostname()}, process ${process.pid}, since ${new Date().toISOString()}`;
  const heartbeats = new PassThrough();
  const timer = setInterval(() => heartbeats.write("."), heartbeatMs).unref();
  const lost = new AbortController();
  let busy = "somebody";

  const held = Promise.withResolvers<void>();
  const over = host
    .run(lockScript(name, holder, waitMs / 1000), {
      input: heartbeats,
      step: `taking the lock ${name}`,
      allowFailure: true,
      onOutput: (line) => {
        if (line === "held") held.resolve();
        if (line.startsWith("busy ")) {
          busy = line.slice(5) || busy;
          if (waitMs > 0) onWait?.(busy);
        }
      },
    })
    .then(
      ({ code, stderr }) => {
        const error =
          code === 75 ? taken(host.name, name, busy, waitMs) : broken(host.name, name, stderr.trim());
        held.reject(error);
        return error;
      },
      (error: Error) => {
        held.reject(error);
        return error;
      },
    );
  try {
    await held.promise;
    let done = false;
    over.then((error) => done || lost.abort(error));
    try {
      const result = await work(lost.signal);
      if (lost.signal.aborted) throw lost.signal.reason;
      return result;
    } finally {
      done = true;
    }
  } finally {
    clearInterval(timer);
    heartbeats.end();
    await over;
  }
}

function lockScript(name: string, holder: string, waitSeconds: number): string {
  const file = `/run/airgapped-maas/locks/${name}`;
  return `set -eu
umask 077
mkdir -p /run/airgapped-maas/locks
exec 9>>${sh`${file}`}
if ! flock -n 9; then
  printf 'busy %s\\n' "$(head -n 1 ${sh`${file}`})"
  flock -w ${waitSeconds} 9 || exit 75
fi
printf '%s\\n' ${sh`${holder}`} > ${sh`${file}`}
echo held
while [ -n "$(timeout ${silenceSeconds} head -c 1)" ]; do :; done
`;
}

function taken(host: string, name: string, holder: string, waitMs: number): ExplainedError {
  return new ExplainedError({
    host,
    step: `taking the lock ${name}`,
    found: `it is held by ${holder}${waitMs > 0 ? `, still after ${waitMs / 1000} s` : ""}`,
    remedy: "Wait until they are done, then run this again.",
  });
}

function broken(host: string, name: string, said: string): ExplainedError {
  return new ExplainedError({
    host,
    step: `holding the lock ${name}`,
    found: said || "it was lost before the work was done",
    remedy: "See whether the connection to the host is stable, then run this again.",
  });
}

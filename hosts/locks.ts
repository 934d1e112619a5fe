import { hostname, userInfo } from "node:os";
import { PassThrough } from "node:stream";
import { ExplainedError } from "../errors/explained-error.ts";
import type { Host, LockOptions } from "./host.ts";
import { sh } from "./shell.ts";

const heartbeatMs = 15_000;
/** Seconds without a heartbeat after which the host releases the lock: a connection can end without notice. */
const heartbeatTimeoutSeconds = 60;

/**
 * Holds a lock for the lifetime of a process on the host, which ends with its channel. The lock is a kernel lock
 * (flock), so nothing stays locked; the file only names the holder. /run is in memory, so a full or read-only disk has
 * no effect.
 */
export async function holdLock<T>(
  host: Host,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  if (!/^[\w.@-]+$/.test(name)) throw new TypeError(`${name} is not a valid name of a lock`);
  const { waitMs = 0, onWait } = options;
  const holder = `${userInfo().username}@${hostname()}, process ${process.pid}, since ${new Date().toISOString()}`;
  const heartbeats = new PassThrough();
  const timer = setInterval(() => heartbeats.write("."), heartbeatMs).unref();
  const lost = new AbortController();
  let busy = "an unknown process";

  const held = Promise.withResolvers<void>();
  const over = host
    .run(lockScript(name, holder, waitMs / 1000), {
      input: heartbeats,
      step: `acquiring the lock ${name}`,
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
          code === 75 ? lockHeld(host.name, name, busy, waitMs) : lockLost(host.name, name, stderr.trim());
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
while [ -n "$(timeout ${heartbeatTimeoutSeconds} head -c 1)" ]; do :; done
`;
}

function lockHeld(host: string, name: string, holder: string, waitMs: number): ExplainedError {
  return new ExplainedError({
    host,
    step: `acquiring the lock ${name}`,
    found: `it is held by ${holder}${waitMs > 0 ? `, still after ${waitMs / 1000} s` : ""}`,
    remedy: "Wait until the holder has finished, then run this again.",
  });
}

function lockLost(host: string, name: string, stderr: string): ExplainedError {
  return new ExplainedError({
    host,
    step: `holding the lock ${name}`,
    found: stderr || "the lock was lost before the work was done",
    remedy: "Check that the connection to the host is stable, then run this again.",
  });
}

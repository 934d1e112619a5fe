import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { ExplainedError } from "../errors/explained-error.ts";
import type { Started } from "./connection.ts";
import type { HostConnections } from "./connection-pool.ts";
import type { RunOptions, RunResult } from "./host.ts";
import { remedyFor } from "./remedies.ts";
import { afterMark, remoteScript, sendInput } from "./remote-shell.ts";
import { TimeLimit } from "./time-limit.ts";
import { Unreachable } from "./unreachable.ts";

/** Milliseconds that the output of an ended command may stay open, e.g. because of a background process. */
const lingerMs = 2000;
/** Bytes that a login shell may print before it starts a script. */
const maximumBytesBeforeStart = 65_536;

/** Runs a script on one session of a host. See Host.run. */
export async function runScript(
  host: string,
  connections: HostConnections,
  script: string,
  options: RunOptions = {},
): Promise<RunResult> {
  const { step = "running a command", timeoutMs } = options;
  const explain = (found: string, remedy: string, cause?: unknown) => ({
    host,
    step,
    found: redact(found, options.secrets),
    remedy,
    cause,
  });
  const fail = (...what: Parameters<typeof explain>) => new ExplainedError(explain(...what));
  const unreachable = (...what: Parameters<typeof explain>) => new Unreachable(explain(...what));

  // A source may fail before it is read. sendInput reports it then.
  if (options.input instanceof Readable) options.input.on("error", () => {});
  const [user, startMs] = await Promise.all([connections.user(), connections.startTimeoutMs()]);
  const remote = remoteScript(script, { sudo: user !== "root" });
  const started = await startShell(connections, remote.command).catch((error: Error) => {
    if (error instanceof ExplainedError) throw error;
    throw unreachable(
      `the host did not start it (${error.message})`,
      "Check that the connection to the host is stable, and that MaxSessions in its sshd_config is at least 10.",
      error,
    );
  });

  const { channel } = started;
  let interrupted: ExplainedError | undefined;
  let limit: TimeLimit | undefined;
  const interrupt = (error: ExplainedError) => {
    interrupted ??= error;
    // The end of standard input makes the remote side end the script. Nothing else has to be sent or awaited.
    channel.end();
    channel.emit("interrupted");
  };
  if (timeoutMs !== undefined) {
    const found = `it took longer than ${timeoutMs / 1000} s and was ended`;
    limit = new TimeLimit(timeoutMs, () =>
      interrupt(fail(found, "Find out what it waits for on the host, then run this again.")),
    );
  }

  const startLimit = new TimeLimit(startMs, () =>
    interrupt(
      fail(
        `the login shell of ${user} did not start it within ${startMs / 1000} s`,
        `Find out what it waits for: \`ssh ${host} true\` must end at once, also with data on its standard input. A start-up file (~/.bashrc, ~/.profile, /etc/profile.d) must not read standard input or ask questions in a non-interactive login.`,
      ),
    ),
  );

  let inputError: Error | undefined;
  const ended = readToEnd(started, remote.mark, () => startLimit.end(), options.onOutput);
  try {
    channel.write(remote.preamble);
    sendInput(channel, options.input ?? "").catch((error: Error) => {
      inputError = error;
      interrupt(
        fail(
          `its input could not be read (${error.message})`,
          "Correct the source, then run this again.",
          error,
        ),
      );
    });
    const { code, signalName, stdout, stderr } = await ended;
    if (interrupted) throw interrupted;
    const out = afterMark(stdout, remote.mark);
    const err = afterMark(stderr, remote.mark) ?? stderr;
    if (code === null && signalName === undefined) {
      throw unreachable(
        "the connection was lost before it ended; its processes were ended too",
        "Check that the host is up and the network is stable, then run this again.",
        inputError,
      );
    }
    if (out === undefined) {
      const output = lastLines(`${stderr.toString()}\n${stdout.toString()}`);
      throw fail(
        `the host did not run it as root: ${output || `exit status ${code}`}`,
        remedyFor(output) ?? `Check that \`ssh ${host} ${user === "root" ? "" : "sudo -n "}true\` works.`,
      );
    }
    const result: RunResult = {
      code: code ?? 128 + (signalNumbers[signalName ?? ""] ?? 0),
      stdout: out.toString(),
      stderr: err.toString(),
    };
    if (result.code !== 0 && !options.allowFailure) {
      const output = lastLines(result.stderr) || lastLines(result.stdout);
      throw fail(
        `exit status ${result.code}${output ? `: ${output}` : ""}`,
        remedyFor(output) ?? "Fix what it reports, then run this again.",
      );
    }
    return result;
  } finally {
    limit?.end();
    startLimit.end();
  }
}

/**
 * Starts a shell that waits for its script. If a connection turns out to be dead, another one is used. The script is
 * sent later, so until then nothing has changed on the host.
 */
async function startShell(connections: HostConnections, command: string): Promise<Started> {
  for (let tries = 1; ; tries++) {
    const session = await connections.session();
    try {
      return await session.exec(command);
    } catch (error) {
      session.release();
      if (error instanceof ExplainedError || tries === 3) throw error;
    }
  }
}

interface Ended {
  readonly code: number | null;
  readonly signalName: string | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

function readToEnd(
  { channel, exited, closed }: Started,
  mark: string,
  onStart: () => void,
  onLine?: RunOptions["onOutput"],
): Promise<Ended> {
  return new Promise((resolve) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let code: number | null = null;
    let signalName: string | undefined;
    let linger: TimeLimit | undefined;
    let running = false;
    let received = 0;
    const lines = onLine && [
      new LineReader(mark, (line) => onLine(line, "stdout")),
      new LineReader(mark, (line) => onLine(line, "stderr")),
    ];
    channel.on("data", (chunk: Buffer) => {
      linger?.refresh();
      stdout.push(chunk);
      if (running) return lines?.[0]?.push(chunk);
      received += chunk.length;
      running = afterMark(Buffer.concat(stdout), mark) !== undefined;
      if (running) onStart();
      // Start-up files do not print so much. A script that never starts must not fill the memory.
      else if (received > maximumBytesBeforeStart)
        stdout.splice(0, stdout.length, Buffer.concat(stdout).subarray(-1000));
      lines?.[0]?.push(chunk);
    });
    channel.stderr.on("data", (chunk: Buffer) => {
      stderr.push(chunk);
      lines?.[1]?.push(chunk);
    });
    // The end of the channel reports a failed write, not this event.
    channel.on("error", () => {});
    channel.stderr.on("error", () => {});
    const finish = () => {
      linger?.end();
      // A lost connection may have cut the last line short: it is not reported.
      if (code !== null) for (const reader of lines ?? []) reader.end();
      resolve({ code, signalName, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) });
    };
    void exited.then((exit) => {
      ({ code, signalName } = exit);
      linger = new TimeLimit(lingerMs, () => {
        channel.close();
        finish();
      });
    });
    void closed.then(finish);
    channel.once("interrupted", finish);
  });
}

/** Splits chunks into lines. Chunks may end inside a line or a character. */
class LineReader {
  readonly #decoder = new StringDecoder("utf8");
  readonly #mark: string;
  readonly #onLine: (line: string) => void;
  #rest = "";
  #started = false;

  constructor(mark: string, onLine: (line: string) => void) {
    this.#mark = mark;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = "";
    if (rest) this.#line(rest);
  }

  #line(line: string): void {
    if (this.#started) this.#onLine(line);
    else this.#started = line.endsWith(this.#mark);
  }
}

const signalNumbers: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/** The last lines of a command's output, short enough for an error. */
function lastLines(text: string): string {
  const lines = text.trim().split("\n").slice(-8).join("\n");
  return lines.length > 2000 ? `…${lines.slice(-2000)}` : lines;
}

/** Replaces secrets in a text, also single lines of a secret with several lines. */
export function redact(text: string, secrets: readonly string[] = []): string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split("\n").map((line) => line.trim())]);
  const known = [...new Set(parts)].filter((part) => part.length >= 4 || secrets.includes(part));
  known.sort((a, b) => b.length - a.length);
  return known.filter(Boolean).reduce((result, part) => result.replaceAll(part, "[secret]"), text);
}

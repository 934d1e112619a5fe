import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ExplainedError } from "../errors/explained-error.ts";
import type {
  FetchOptions,
  FetchResult,
  FileAttributes,
  Host,
  Job,
  JobResult,
  Probe,
  RunOptions,
  RunResult,
  UploadSource,
} from "../hosts/host.ts";
import { openSource, replaceFileScript } from "../hosts/upload.ts";

/** Runs a script as hosts do, but on this machine. */
export async function runHere(script: string, input: RunOptions["input"] = ""): Promise<RunResult> {
  const shell = spawn("sh", ["-c", script], { env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" } });
  const output = [textOf(shell.stdout), textOf(shell.stderr)];
  // A script may end without reading its input.
  shell.stdin.on("error", () => {});
  if (typeof input === "string" || Buffer.isBuffer(input)) shell.stdin.end(input);
  else await pipeline(input, shell.stdin);
  const code = await new Promise<number>((done) => shell.on("close", (status) => done(status ?? 128)));
  const [stdout = "", stderr = ""] = await Promise.all(output);
  return { code, stdout, stderr };
}

/** A job on this machine: its output by lines, and how it ended. */
interface RunningJob {
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly lines: string[];
  }>;
  /** Kills it and its child processes. */
  kill(): void;
}

/** Starts a job as hosts do, but on this machine. @param root a directory for its input and its secret */
export function startJob(root: string, script: string, input = "", secret = ""): RunningJob {
  const list = join(root, "job-input");
  writeFileSync(list, input);
  const secrets = join(root, "job-secret");
  if (secret) writeFileSync(secrets, secret, { mode: 0o600 });
  const child = spawn("sh", ["-s"], {
    env: { ...process.env, JOB_INPUT: list, JOB_SECRET: secrets },
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  child.stdin.end(script);
  const ended = new Promise<Awaited<RunningJob["ended"]>>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, lines: output.split("\n").filter(Boolean) })),
  );
  return { ended, kill: () => process.kill(-(child.pid ?? 0), "SIGKILL") };
}

/**
 * This machine as a host: scripts, jobs and requests run here, as the user who runs the tests. A resource's files in
 * /var/lib/airgapped-maas are in `directory`.
 */
export class HostOnThisMachine implements Host {
  readonly name: string;
  readonly directory: string;

  constructor(name = "mirror", directory = mkdtempSync(join(tmpdir(), `host-${name}-`))) {
    this.name = name;
    this.directory = directory;
  }

  async run(script: string, options: RunOptions = {}): Promise<RunResult> {
    const kept = join(this.directory, "lib");
    mkdirSync(kept, { recursive: true });
    const result = await runHere(script.replaceAll("/var/lib/airgapped-maas", kept), options.input);
    if (result.code === 0 || options.allowFailure) return result;
    throw new ExplainedError({
      host: this.name,
      step: options.step ?? "running a command",
      found: `exit status ${result.code}: ${result.stderr}`,
      remedy: "See what it says.",
    });
  }

  async facts<T>(probe: Probe<T>): Promise<T> {
    return probe.parse((await this.run(probe.script)).stdout);
  }

  async upload(source: UploadSource, path: string, { mode }: FileAttributes): Promise<void> {
    mkdirSync(dirname(path), { recursive: true });
    const mine = { owner: String(process.getuid?.() ?? 0), group: String(process.getgid?.() ?? 0) };
    const input = openSource(source) as Buffer | Readable;
    await this.run(replaceFileScript(path, { mode, ...mine }), { input });
  }

  async fetch(url: string, options: FetchOptions = {}): Promise<FetchResult> {
    const { method = "GET", body, headers = {}, maximumBytes = 1 << 26 } = options;
    return await new Promise<FetchResult>((resolve, reject) => {
      const fail = (cause: Error) =>
        reject(
          new ExplainedError({ step: `fetching ${url}`, found: cause.message, remedy: "Try again.", cause }),
        );
      const request = httpRequest(url, {
        method,
        headers: { ...headers, ...(body ? { "content-length": body.length } : {}) },
      });
      request.on("error", fail).on("response", (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length > maximumBytes) request.destroy(new Error("too long"));
          chunks.push(chunk);
        });
        response.on("error", fail).on("end", () => {
          const all = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: all, url });
        });
      });
      request.end(body);
    });
  }

  async job({ script, input, secret, onProgress }: Job): Promise<JobResult> {
    const { code, signal, lines } = await startJob(this.directory, script, input?.toString(), secret).ended;
    for (const line of lines) onProgress?.(line);
    return {
      code: code ?? 128 + (signal ? constants.signals[signal] : 0),
      tail: lines.slice(-50),
      attached: false,
    };
  }

  clear(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += chunk;
  return text;
}

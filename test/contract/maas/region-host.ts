import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ExplainedError } from "../../../errors/explained-error.ts";
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
} from "../../../hosts/host.ts";
import { openSource, replaceFileScript } from "../../../hosts/upload.ts";

/**
 * This machine in the place of a region host: its scripts run here, with a directory of their own for what would be in
 * /var/lib, and `http://localhost:5240` is whatever region the test says.
 */
export class RegionHost implements Host {
  readonly name: string;
  /** Every request but those of streams, as `POST /MAAS/api/2.0/boot-sources/`. */
  readonly requests: string[] = [];
  /** Called before each of them; what it throws is the request's failure. */
  before: (request: string) => void | Promise<void> = () => {};
  readonly #origin: () => string;
  readonly directory = mkdtempSync(join(tmpdir(), "region-host-"));

  constructor(name: string, origin: () => string) {
    this.name = name;
    this.#origin = origin;
  }

  async run(script: string, options: RunOptions = {}): Promise<RunResult> {
    const here = script.replaceAll("/var/lib/airgapped-maas", join(this.directory, "lib"));
    mkdirSync(join(this.directory, "lib"), { recursive: true });
    const shell = spawn("sh", ["-c", here], { env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" } });
    const [stdout, stderr] = [textOf(shell.stdout), textOf(shell.stderr)];
    const { input = "" } = options;
    // A script may end without reading its input.
    shell.stdin.on("error", () => {});
    if (typeof input === "string" || Buffer.isBuffer(input)) shell.stdin.end(input);
    else await pipeline(input, shell.stdin);
    const code = await new Promise<number>((done) => shell.on("close", (status) => done(status ?? 128)));
    const result = { code, stdout: await stdout, stderr: await stderr };
    if (code === 0 || options.allowFailure) return result;
    throw new ExplainedError({
      host: this.name,
      step: options.step ?? "running a command",
      found: `exit status ${code}: ${result.stderr}`,
      remedy: "See what it says.",
    });
  }

  async facts<T>(probe: Probe<T>): Promise<T> {
    return probe.parse((await this.run(probe.script)).stdout);
  }

  async upload(source: UploadSource, path: string, attributes: FileAttributes): Promise<void> {
    mkdirSync(dirname(path), { recursive: true });
    const { uid } = { uid: String(process.getuid?.() ?? 0) };
    await this.run(
      replaceFileScript(path, { ...attributes, owner: uid, group: String(process.getgid?.() ?? 0) }),
      {
        input: openSource(source) as Buffer | Readable,
      },
    );
  }

  async fetch(url: string, options: FetchOptions = {}): Promise<FetchResult> {
    const { method = "GET", body, headers = {}, maximumBytes = 1 << 26 } = options;
    const local = "http://localhost:5240";
    const target = url.startsWith(local) ? `${this.#origin()}${url.slice(local.length)}` : url;
    if (target !== url) {
      const request = `${method} ${url.slice(local.length)}`;
      this.requests.push(request);
      await this.before(request);
    }
    return await new Promise<FetchResult>((resolve, reject) => {
      const fail = (cause: Error) =>
        reject(
          new ExplainedError({ step: `fetching ${url}`, found: cause.message, remedy: "Try again.", cause }),
        );
      const request = httpRequest(target, {
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
          const all: IncomingHttpHeaders = response.headers;
          resolve({ status: response.statusCode ?? 0, headers: all, body: Buffer.concat(chunks), url });
        });
      });
      request.end(body);
    });
  }

  withLock<T>(_name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return work(new AbortController().signal);
  }

  job(_job: Job): Promise<JobResult> {
    throw new Error("No job runs on a region host.");
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

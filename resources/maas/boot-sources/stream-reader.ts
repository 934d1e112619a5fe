import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";

/** Reads streams and keyrings as the region does. */
export interface StreamReader {
  fetch(url: string, maximumBytes: number): Promise<{ readonly status: number; readonly body: Buffer }>;
  /** The size in bytes, or why the file cannot be read. */
  sizeOf(url: string): Promise<number | string>;
  /** A file on the region host; undefined if it does not exist, "unknown" if it cannot be read. */
  file(path: string): Promise<Buffer | undefined | "unknown">;
}

/** Milliseconds without a byte: a mirror near the region answers at once. */
const timeoutMs = 20_000;

/** Reads from the region host, over SSH. */
export function readerOnHost(host: Host): StreamReader {
  return {
    fetch: (url, maximumBytes) => host.fetch(url, { maximumBytes, timeoutMs }),
    async sizeOf(url) {
      const { status, headers } = await host.fetch(url, { method: "HEAD", timeoutMs });
      return sizeIn(status, headers["content-length"]);
    },
    file: (path) =>
      host.facts({
        script: sh`if [ -r ${path} ]; then base64 -w 0 ${path}; else printf absent; fi`,
        parse: (output) => (output.trim() === "absent" ? undefined : Buffer.from(output, "base64")),
      }),
  };
}

/** Reads from this workstation, if there is no SSH to the region. Files of the region cannot be read. */
export function readerOnWorkstation(): StreamReader {
  return {
    async fetch(url, maximumBytes) {
      const response = await ask(url, "GET");
      return { status: response.status, body: await bodyOf(response, url, maximumBytes) };
    },
    async sizeOf(url) {
      const { status, headers } = await ask(url, "HEAD");
      return sizeIn(status, headers.get("content-length") ?? undefined);
    },
    file: async () => "unknown",
  };
}

async function ask(url: string, method: "GET" | "HEAD"): Promise<Response> {
  try {
    return await fetch(url, { method, signal: AbortSignal.timeout(timeoutMs * 6) });
  } catch (error) {
    throw unreached(url, error);
  }
}

/** The body, up to a maximum size: an endless one is not read. */
async function bodyOf(response: Response, url: string, maximumBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of response.body ?? []) {
      pieces.push(piece);
      length += piece.length;
      if (length >= maximumBytes) break;
    }
  } catch (error) {
    throw unreached(url, error);
  }
  return Buffer.concat(pieces).subarray(0, maximumBytes);
}

function unreached(url: string, error: unknown): ExplainedError {
  const cause = (error as Error).cause;
  return new ExplainedError({
    step: `fetching ${url} from this workstation`,
    found: cause instanceof Error ? cause.message : String(error),
    remedy: "Check that the mirror is up, and that it can be reached from this workstation.",
    cause: error,
  });
}

function sizeIn(status: number, length: string | undefined): number | string {
  if (status !== 200) return `the server answered ${status}`;
  return length === undefined ? "the server does not report its size" : Number(length);
}

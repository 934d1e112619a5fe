import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "@jest/globals";
import { until } from "../../../../../lab/until.ts";
import { digestOf } from "../../../../../values/digest.ts";

/*
 * The jobs that publish trees, run with this machine's sh, curl and perl in the test's directories, with a web server that
 * can return wrong answers.
 */

export interface SmallUpstream {
  readonly url: string;
  files: Map<string, Buffer>;
  /** Requested paths, in order. */
  readonly asked: string[];
  /** Bytes sent in bodies. */
  sent: number;
  misbehave?: ((path: string) => "stall" | "reset" | "endless" | undefined) | undefined;
  offer(files: Record<string, string | Buffer>): void;
  reset(): void;
  close(): void;
}

/** A scratch directory for each test of a file, and an upstream without files and faults. */
export function onThisMachine(
  name: string,
  use: (made: { readonly root: string; readonly upstream: SmallUpstream }) => void,
): void {
  let upstream: SmallUpstream;
  let root: string;
  beforeAll(async () => {
    upstream = await smallUpstream();
  });
  beforeEach(() => {
    upstream.reset();
    root = scratchDirectory(name);
    use({ root, upstream });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  afterAll(() => upstream.close());
}

export async function smallUpstream(): Promise<SmallUpstream> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "").slice(1));
    upstream.asked.push(path);
    const bytes = upstream.files.get(path);
    const how = upstream.misbehave?.(path);
    if (!bytes) return response.writeHead(404).end();
    if (how === "endless") {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more);
      return more();
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const part = bytes.subarray(from);
    const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { "content-length": part.length, ...range });
    const body = how ? part.subarray(0, part.length / 2) : part;
    upstream.sent += body.length;
    if (!how) return response.end(body);
    response.write(body, async () => {
      if (how !== "reset") return;
      await allIsRead(request.socket);
      request.socket.resetAndDestroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const upstream: SmallUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files: new Map(),
    asked: [],
    sent: 0,
    offer: (files) => {
      upstream.files = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
    },
    reset: () => {
      upstream.files = new Map();
      upstream.asked.length = 0;
      upstream.sent = 0;
      upstream.misbehave = undefined;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return upstream;
}

/** Resolves when the client has read all that it was sent. A reset discards what it has not read. */
async function allIsRead({ localPort, remotePort }: Socket): Promise<void> {
  const [server, client] = [localPort, remotePort].map((port = 0) => hexadecimal(port));
  const queues = new RegExp(`:${server} \\S+:${client} 01 (\\S+)|:${client} \\S+:${server} 01 (\\S+)`, "g");
  // proc(5): local address, remote address, state, and the lengths of the queues "to send:received".
  const unread = () =>
    [...readFileSync("/proc/net/tcp", "latin1").matchAll(queues)].some(
      ([, ofServer, ofClient]) => (ofServer ?? ofClient) !== "00000000:00000000",
    );
  await until("the client to have read everything", 20_000, () => !unread());
}

const hexadecimal = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");

/** A publication is synced to its disk. In memory that takes no time. `make test` has TMPDIR in memory and clears it. */
export function scratchDirectory(name: string): string {
  const inMemory = !process.env.TMPDIR && existsSync("/dev/shm");
  return mkdtempSync(join(inMemory ? "/dev/shm" : tmpdir(), `${name}-`));
}

/** Uploads a file as the resources do, and returns its digest. */
export function handOverTo(store: string, text: string | Buffer): string {
  const digest = digestOf(text);
  const path = join(store, digest.slice(0, 2), digest);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return digest;
}

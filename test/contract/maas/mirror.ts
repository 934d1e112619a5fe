import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArchiveKeyName, archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { recordedImages } from "../../../lab/images/image-sets.ts";
import { type ProductList, writeImageStream } from "../../../lab/images/stream.ts";

/** A mirror of images on a separate port. Files can be missing, wrong or slow. */
export class Mirror {
  /** With a slash at the end. */
  readonly url: string;
  /** Every requested path, as in the request: with a host if it was sent to a proxy. */
  readonly asked: string[] = [];
  /** Answers that replace files, by the end of their path. Undefined means a 404. */
  readonly instead = new Map<string, Buffer | undefined>();
  readonly #directory: string;
  readonly #server: Server;
  #published = 0;
  #held: { readonly path: string; readonly until: Promise<void>; readonly release: () => void } | undefined;

  private constructor(server: Server, directory: string) {
    this.#server = server;
    this.#directory = directory;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    server.on("request", async (request, response) => {
      this.asked.push(request.url ?? "");
      const path = decodeURIComponent(new URL(request.url ?? "/", this.url).pathname);
      if (this.#held !== undefined && path.endsWith(this.#held.path)) await this.#held.until;
      const [changed] = [...this.instead].filter(([end]) => path.endsWith(end));
      const file = join(directory, String(this.#published), path);
      const found = changed === undefined && existsSync(file) && statSync(file).isFile();
      const content = changed === undefined ? (found ? readFileSync(file) : undefined) : changed[1];
      if (content === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "Content-Length": content.length }).end(content);
    });
  }

  static async start(lists: readonly ProductList[] = recordedImages): Promise<Mirror> {
    const directory = mkdtempSync(join(tmpdir(), "mirror-"));
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const mirror = new Mirror(server, directory);
    await mirror.publish(lists);
    return mirror;
  }

  /** Replaces the stream by another one. */
  async publish(
    lists: readonly ProductList[],
    signer: ArchiveKeyName = "images",
    updated = new Date("2026-11-23T06:06:27Z"),
  ): Promise<void> {
    const next = this.#published + 1;
    await writeImageStream(join(this.#directory, String(next)), {
      lists,
      key: await archiveKey(signer),
      updated,
    });
    this.#published = next;
  }

  /** Blocks requests for a path with this end, until `release`. */
  hold(path: string): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = { path, until: promise, release: resolve };
  }

  release(): void {
    this.#held?.release();
    this.#held = undefined;
  }

  /** The number of requests for a path with this end. */
  asks(end: string): number {
    return this.asked.filter((path) => path.endsWith(end)).length;
  }

  stop(): void {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The keyring of the mirrors' signatures, in the binary form that gpgv reads. */
export async function imagesKeyring(): Promise<Buffer> {
  return readFileSync((await archiveKey("images")).keyringFile);
}

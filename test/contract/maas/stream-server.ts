import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { recordedImages } from "../../../lab/images/image-sets.ts";
import { type ProductList, writeImageStream } from "../../../lab/images/stream.ts";

/** A stream of images and a web server for it. */
export class StreamServer {
  readonly #server: Server;
  readonly #directory: string;
  #held: Promise<void> | undefined;
  #release = () => {};
  /** The requested paths, including those of blocked requests. */
  readonly asked: string[] = [];
  /** Its address, with a slash at the end. */
  readonly url: string;
  /** The keyring of its signature, in binary form. */
  readonly keyring: Buffer;

  private constructor(server: Server, directory: string, keyring: Buffer) {
    this.#server = server;
    this.#directory = directory;
    this.keyring = keyring;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/signed/`;
    server.on("request", async (request, response) => {
      const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://stream").pathname));
      this.asked.push(path);
      await this.#held;
      const file = join(directory, path.replace(/^\/signed\//, ""));
      const found = path.startsWith("/signed/") && existsSync(file) && statSync(file).isFile();
      response.writeHead(found ? 200 : 404).end(found ? readFileSync(file) : "");
    });
  }

  /** Writes the stream and serves it on a free port. */
  static async start(lists: readonly ProductList[] = recordedImages): Promise<StreamServer> {
    const directory = mkdtempSync(join(tmpdir(), "recorded-stream-"));
    const key = await archiveKey("images");
    await writeImageStream(join(directory, "tree"), {
      lists,
      key,
      updated: new Date("2026-11-23T06:06:27Z"),
    });
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new StreamServer(server, join(directory, "tree"), readFileSync(key.keyringFile));
  }

  /** Blocks requests until `release`. */
  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  stop(): void {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(join(this.#directory, ".."), { recursive: true });
  }
}

/** A port on which no process listens. */
export async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

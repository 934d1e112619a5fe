import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ExplainedError } from "../../../../errors/explained-error.ts";
import { checkMirror } from "../../../../resources/maas/boot-sources/preflight.ts";
import {
  readerOnWorkstation,
  type StreamReader,
} from "../../../../resources/maas/boot-sources/stream-reader.ts";
import {
  type Fields,
  item,
  kernel,
  loaderId,
  loaders,
  productFile,
  publishStream,
  smallStream,
  ubuntuId,
  ubuntuProducts,
  url,
} from "../../content/simplestreams/small-stream.ts";
import { newKey } from "../../content/small-archive.ts";

const key = await newKey();
const selections = [{ os: "ubuntu", release: "noble", arches: ["amd64"], subarches: ["*"], labels: ["*"] }];
const keyring = Buffer.from(key.toPublic().write()).toString("base64");
let root: string;
const cacheBefore = process.env.XDG_CACHE_HOME;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "maas-preflight-"));
  process.env.XDG_CACHE_HOME = root;
});
afterEach(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(root, { recursive: true, force: true });
});

describe("the check of a stream for MAAS", () => {
  let open = 0;
  let most = 0;

  /** MAAS's view of a stream with these products in addition to the usual ones. All their files exist. */
  async function check(products: Record<string, unknown>) {
    const stream = smallStream(key);
    await publishStream(stream, [
      productFile(ubuntuId, { ...ubuntuProducts(), ...products }),
      productFile(loaderId, loaders()),
    ]);
    open = 0;
    most = 0;
    const listed = new Map<string, number>();
    const seen: StreamReader = {
      async fetch(address) {
        const body = stream.files.get(decodeURIComponent(address.slice(url.length)));
        return { status: body ? 200 : 404, body: body ?? Buffer.alloc(0) };
      },
      async sizeOf(address) {
        most = Math.max(most, ++open);
        await new Promise(setImmediate);
        open--;
        const path = decodeURIComponent(address.slice(url.length));
        listed.set(path, 0);
        return stream.files.get(path)?.length ?? (/squashfs$/.test(path) ? 500_000 : 1000);
      },
      file: async () => "unknown",
    };
    return checkMirror(seen, "mirror", { url, keyring, selections });
  }

  const odd = (fields: Fields) => ({ ...kernel("focal", "amd64", "ga-20.04", ["20260601"]), ...fields });

  test.each<[string, unknown]>([
    ["that is not an object", 7],
    ["whose os is a list", odd({ os: ["ubuntu"] })],
    ["without versions", odd({ versions: undefined })],
    ["with an odd file", odd({ versions: { 1: { items: { x: item("squashfs", "../x") } } } })],
    ["of the release constructor", odd({ release: "constructor" })],
  ])("ignores a product %s that is not selected", async (_, product) => {
    expect((await check({ constructor: product })).length).toBeGreaterThan(3);
  });

  test.each(["arch", "release", "label"])(
    "refuses the whole stream when a product has no %s, even if it is not selected",
    async (field) => {
      await expect(check({ odd: odd({ [field]: undefined }) })).rejects.toThrow(
        new RegExp(`its ${field} is missing; MAAS would refuse the whole stream`),
      );
    },
  );

  test("refuses a selected product with an odd field", async () => {
    const noble = { ...odd({ release: "noble" }), subarch: ["ga-24.04"] };
    await expect(check({ noble })).rejects.toThrow(/product "noble": its subarch is a list/);
  });

  test("asks for the size of at most 16 files at the same time", async () => {
    const kernels = Array.from({ length: 60 }, (_, number) => [
      `v3:${number}`,
      kernel("noble", "amd64", `ga-${number}`, ["20260601"]),
    ]);
    expect((await check(Object.fromEntries(kernels))).length).toBeGreaterThan(60);
    expect(most).toBe(16);
  });
});

describe("a stream that is read from this workstation", () => {
  let server: Server;
  let address: string;

  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === "/broken") {
        response.writeHead(200, { "content-length": "1000" });
        response.write("half", () => response.destroy());
        return;
      }
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more);
      more();
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(
    () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  );

  test("is read only up to the size limit", async () => {
    const { body } = await readerOnWorkstation().fetch(`${address}/endless`, 100_000);
    expect(body).toHaveLength(100_000);
  });

  test("gives an explained error when it breaks off", async () => {
    await expect(readerOnWorkstation().fetch(`${address}/broken`, 100_000)).rejects.toThrow(ExplainedError);
  });
});

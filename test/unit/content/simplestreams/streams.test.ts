import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { metadataCache } from "../../../../content/metadata-cache.ts";
import {
  readProducts,
  readStreamRoots,
  type StreamRequest,
} from "../../../../content/simplestreams/streams.ts";
import { newKey } from "../small-archive.ts";
import {
  indexOf,
  loaderId,
  loaders,
  monday,
  productFile,
  publishStream,
  type SmallStream,
  sign,
  smallStream,
  tuesday,
  ubuntuId,
  ubuntuProducts,
  url,
} from "./small-stream.ts";

const key = await newKey();
const stranger = await newKey();
const index = "streams/v1/index.sjson";
const products = `streams/v1/${ubuntuId}.sjson`;
const loaderProducts = `streams/v1/${loaderId}.sjson`;
const files = [productFile(ubuntuId, ubuntuProducts()), productFile(loaderId, loaders())];
let directory: string;
let stream: SmallStream;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stream-test-"));
  stream = smallStream(key);
});
afterEach(() => rm(directory, { recursive: true }));

const read = (changes: Partial<StreamRequest> = {}) =>
  readStreamRoots({
    url,
    fetch: stream.fetch,
    key: key.toPublic().armor(),
    cache: metadataCache(directory),
    now: new Date("2026-06-03T12:00:00Z"),
    ...changes,
  });

/** The requests of another read. */
async function requestsOf(reading: () => Promise<unknown>): Promise<string[]> {
  const before = stream.requests.length;
  await reading();
  return stream.requests.slice(before).sort();
}

describe("a stream is refused", () => {
  test.each([
    ["signed by another key", (text: string) => text, stranger, /which is not declared/],
    ["that is not JSON", () => "{", key, /reading streams\/v1\/index.sjson: it is not JSON/],
    [
      "of an unknown format",
      (text: string) => text.replace("index:1.0", "index:2.0"),
      key,
      /format is "index:2.0"/,
    ],
    [
      "with an invalid date",
      (text: string) => text.replaceAll(monday, "yesterday"),
      key,
      /not a date such as "Mon/,
    ],
    [
      "with a list as its date",
      (text: string) => text.replaceAll(`"${monday}"`, "[]"),
      key,
      /"updated" is a list, not/,
    ],
    [
      "with a path outside its directory",
      (text: string) => text.replace("streams/v1/", "../v1/"),
      key,
      /its path is invalid: "\.\.\/v1/,
    ],
    [
      "with one path in two entries",
      (text: string) =>
        text.replaceAll(loaderId, `${ubuntuId}2`).replace(`v1/${ubuntuId}2.`, `v1/${ubuntuId}.`),
      key,
      /another entry has the same path/,
    ],
  ])("if it has an index %s", async (_, change, by, message) => {
    await publishStream(stream);
    await sign(stream, index, change(JSON.stringify(indexOf(files))), by);
    await expect(read()).rejects.toThrow(message);
  });

  test("if a product file is signed by another key", async () => {
    await publishStream(stream);
    await sign(stream, products, files[0], stranger);
    await expect(read()).rejects.toThrow(/verifying the signature of streams\/v1\/com.ubuntu.maas:stable:v3/);
  });

  test("if a product file is changed, truncated or extended", async () => {
    await publishStream(stream);
    const good = stream.files.get(products) ?? Buffer.alloc(0);
    const text = good.toString();
    for (const bad of [text.replace("noble", "Noble"), text.slice(0, -40), `${text}\n{}\n`]) {
      stream.files.set(products, Buffer.from(bad));
      await expect(read()).rejects.toThrow(/verifying the signature/);
    }
  });

  test("if one product file is served in place of another", async () => {
    await publishStream(stream);
    stream.files.set(products, stream.files.get(loaderProducts) as Buffer);
    await expect(read()).rejects.toThrow(/a wrong file is served/);
  });

  test("if any listed product file is missing, because MAAS reads all of them", async () => {
    await publishStream(stream);
    stream.files.delete(loaderProducts);
    await expect(read()).rejects.toThrow(/404 Not Found/);
  });

  test("if its index is older than the last accepted one", async () => {
    await publishStream(stream);
    const seen = { index: "2026-06-01T06:00:01.000Z", products: {} };
    await expect(read({ seen })).rejects.toThrow(/checking streams\/v1\/index.sjson.*upstream went back/);
  });

  test("if a product file is older than the last accepted one, under a newer index, cached or not", async () => {
    await publishStream(stream, files, { updated: tuesday });
    const seen = { index: "2026-06-01T06:00:00.000Z", products: { [ubuntuId]: "2026-06-01T06:00:01.000Z" } };
    await expect(read({ seen })).rejects.toThrow(/checking .*v3:download.sjson.*upstream went back/);
    await read();
    await expect(read({ seen })).rejects.toThrow(/checking .*v3:download.sjson.*upstream went back/);
  });

  test("if a product file is older than its entry in the index", async () => {
    await publishStream(stream);
    await sign(stream, index, indexOf(files, { updated: tuesday }, { updated: tuesday }));
    await expect(read()).rejects.toThrow(/lists one made at 2026-06-02T06:00:00/);
  });

  test("if its date is in the future", async () => {
    await publishStream(stream, files, { updated: "Fri, 05 Jun 2026 06:00:00 +0000" });
    await expect(read()).rejects.toThrow(/made at 2026-06-05T06:00:00.000Z, 42 hours from now/);
  });

  test("if its index is longer than 16 MiB", async () => {
    const endless = async () => Buffer.alloc(16 * 1024 * 1024 + 1);
    await expect(read({ fetch: endless })).rejects.toThrow(/is longer than 16777216 bytes/);
  });
});

describe("unexpected content in place of a stream's file is named in the error", () => {
  test.each<[string, Buffer, RegExp]>([
    [
      "a captive portal",
      Buffer.from("\r\n<!DOCTYPE html><html><head><title>Sign in to\nHotel WiFi</title></head></html>"),
      /a web page instead of the stream: "Sign in to Hotel WiFi"[\s\S]*login page/,
    ],
    [
      "a web page without a title",
      Buffer.from("<html>502 Bad Gateway</html>"),
      /a web page instead[\s\S]*proxy/,
    ],
    ["a gzip file", Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /compressed with gzip/],
    ["an empty file", Buffer.alloc(0), /the file is empty/],
    ["a file of blank lines", Buffer.from("\n \n"), /the file is empty/],
    [
      "plain JSON without a signature",
      Buffer.from(JSON.stringify(indexOf(files))),
      /it is not signed: it is plain JSON/,
    ],
  ])("%s", async (_, bytes, message) => {
    for (const path of [index, products]) {
      await publishStream(stream);
      stream.files.set(path, bytes);
      const reading = read();
      await expect(reading).rejects.toThrow(message);
      await expect(reading).rejects.toThrow(`reading ${path}`);
      await expect(reading).rejects.toMatchObject({ explanation: { values: ["upstream.url"] } });
    }
  });

  test("a web page in an unsigned stream", async () => {
    stream.files.set("streams/v1/index.json", Buffer.from("<html>"));
    await expect(read({ signed: false })).rejects.toThrow(/a web page instead/);
  });
});

describe("a stream of unusual size", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, number) => productFile(`com.example:list-${number}`, {}));

  test("with 1000 product files is read 8 files at a time, in the order of the index", async () => {
    const lists = many(1000);
    for (const list of lists) {
      const text = JSON.stringify(list);
      stream.files.set(`streams/v1/${list.content_id}.json`, Buffer.from(text));
    }
    const text = JSON.stringify(indexOf(lists)).replaceAll(".sjson", ".json");
    stream.files.set("streams/v1/index.json", Buffer.from(text));
    let open = 0;
    let most = 0;
    const counting: StreamRequest["fetch"] = async (path) => {
      most = Math.max(most, ++open);
      await new Promise(setImmediate);
      open--;
      return stream.fetch(path);
    };
    const roots = await read({ signed: false, fetch: counting });
    expect(most).toBe(8);
    expect(Object.keys(roots.ages.products)).toEqual(lists.map((list) => list.content_id));
    expect(await readProducts(roots)).toHaveLength(1000);
  });

  test("is not read to its end if a product file is missing, and the error names the first one", async () => {
    await publishStream(stream, many(100));
    for (const number of [2, 5, 60]) stream.files.delete(`streams/v1/com.example:list-${number}.sjson`);
    await expect(read()).rejects.toThrow("com.example:list-2.sjson");
    expect(stream.requests.length).toBeLessThan(30);
  });

  test("with more than 10,000 product files is refused", async () => {
    const entry = { format: "products:1.0", updated: monday };
    const entries = Array.from({ length: 10_001 }, (_, number) => [
      `x${number}`,
      { ...entry, path: `${number}` },
    ]);
    await sign(stream, index, { ...indexOf([]), index: Object.fromEntries(entries) });
    await expect(read()).rejects.toThrow(/lists 10001 product files; the maximum is 10000/);
  });

  test("with product files of more than 128 MiB together is refused, even if none is too large", async () => {
    const lists = many(3);
    for (const list of lists) {
      const text = Buffer.from(JSON.stringify(list));
      const padded = Buffer.concat([text, Buffer.alloc(50 * 1024 * 1024, " ")]);
      stream.files.set(`streams/v1/${list.content_id}.json`, padded);
    }
    const text = JSON.stringify(indexOf(lists)).replaceAll(".sjson", ".json");
    stream.files.set("streams/v1/index.json", Buffer.from(text));
    await expect(read({ signed: false })).rejects.toThrow(
      /product files of the stream have more than 128.0 MiB/,
    );
  });

  test("with more than 5,000,000 values is refused, even if its files are small", async () => {
    const lists = [0, 1].map((number) => productFile(`com.example:list-${number}`, {}, { x: "DENSE" }));
    for (const list of lists) {
      const text = JSON.stringify(list).replace('"DENSE"', `[${"[],".repeat(1_400_000)}[]]`);
      stream.files.set(`streams/v1/${list.content_id}.json`, Buffer.from(text));
    }
    const text = JSON.stringify(indexOf(lists)).replaceAll(".sjson", ".json");
    stream.files.set("streams/v1/index.json", Buffer.from(text));
    await expect(read({ signed: false })).rejects.toThrow(
      /list-1.json: together .* more than 5000000 values/,
    );
  });

  test("with more than 500 nested levels is refused, in the index and in a product file", async () => {
    const deep = (text: string) =>
      text.replace('"datatype"', `"deep":${"[".repeat(6000)}${"]".repeat(6000)},"datatype"`);
    const tooDeep = /more than 500 levels of nested objects or lists/;
    await publishStream(stream);
    await sign(stream, products, deep(JSON.stringify(files[0])));
    await expect(read()).rejects.toThrow(tooDeep);
    await publishStream(stream);
    await sign(stream, index, deep(JSON.stringify(indexOf(files))));
    await expect(read()).rejects.toThrow(tooDeep);
  });

  test("with many brackets in a text is accepted, because they are not nested levels", async () => {
    const odd = { odd: `\\"${"[{".repeat(1000)}"` };
    await publishStream(stream, [productFile(ubuntuId, ubuntuProducts(), odd)]);
    expect(await readProducts(await read())).toHaveLength(1);
  });
});

describe("reading a stream", () => {
  test("returns its files unchanged, their signer, their dates and the products in them", async () => {
    await publishStream(stream);
    const roots = await read();
    expect(roots.files.map(({ path }) => path)).toEqual([index, products, loaderProducts]);
    for (const { path, bytes } of roots.files) expect(bytes).toEqual(stream.files.get(path));
    expect(roots.signedBy).toEqual([key.getFingerprint().toUpperCase()]);
    expect(roots.ages).toEqual({
      index: "2026-06-01T06:00:00.000Z",
      products: { [ubuntuId]: "2026-06-01T06:00:00.000Z", [loaderId]: "2026-06-01T06:00:00.000Z" },
    });
    const lists = await readProducts(roots);
    expect(lists.map(({ contentId, products: of }) => `${contentId} ${of.length}`)).toEqual([
      `${ubuntuId} 5`,
      `${loaderId} 3`,
    ]);
  });

  test("removes the dash-escapes of a clearsigned file from its text", async () => {
    const text = JSON.stringify(files[0], undefined, 1)
      .replace('"noble"', '\n"noble"')
      .replace("1000,", "\n- 0,");
    expect(text).toContain("\n- 0,");
    await publishStream(stream);
    await sign(stream, products, text.replace("\n- 0,", "\n-0,"));
    const roots = await read();
    expect(stream.files.get(products)?.toString()).toContain("\n- -0,");
    expect((await readProducts(roots))[0]?.products).toHaveLength(5);
  });

  test("requests only the index if nothing has changed, and returns the same result", async () => {
    await publishStream(stream);
    const first = await read();
    let second: typeof first | undefined;
    expect(
      await requestsOf(async () => {
        second = await read();
      }),
    ).toEqual([index]);
    expect(second?.digest).toBe(first.digest);
    expect(second?.ages).toEqual(first.ages);
    expect(second?.signedBy).toEqual(first.signedBy);
    expect((await readProducts(second as typeof first))[0]?.products).toHaveLength(5);
  });

  test("requests only the index and the product file whose entry has changed", async () => {
    await publishStream(stream);
    await read();
    const moved = [productFile(ubuntuId, ubuntuProducts(["20260602"]), { updated: tuesday }), files[1] ?? {}];
    await publishStream(stream, moved, { updated: tuesday });
    expect(await requestsOf(() => read())).toEqual([products, index].sort());
  });

  test("requests a product file again if it is newer than its entry, because the index will follow", async () => {
    await publishStream(stream);
    await sign(stream, products, productFile(ubuntuId, ubuntuProducts(), { updated: tuesday }));
    await read();
    expect(await requestsOf(() => read())).toEqual([products, index].sort());
  });

  test("requests all files again if the cache is lost, for other keys and for another stream", async () => {
    await publishStream(stream);
    await read();
    await rm(directory, { recursive: true });
    expect(await requestsOf(() => read())).toHaveLength(3);
    const both = `${key.toPublic().armor()}\n${stranger.toPublic().armor()}`;
    expect(await requestsOf(() => read({ key: both }))).toHaveLength(3);
    expect(await requestsOf(() => read({ url: "http://elsewhere.test/" }))).toHaveLength(3);
    expect(await requestsOf(() => read())).toEqual([index]);
  });

  test("does not cache a refused product file", async () => {
    await publishStream(stream);
    await sign(stream, products, files[0], stranger);
    await expect(read()).rejects.toThrow();
    await publishStream(stream);
    expect(await requestsOf(() => read())).toContain(products);
  });

  test("reads an unsigned stream only with signed: false, and all of it each time", async () => {
    for (const file of [...files, indexOf(files, {}, {})]) {
      const name = typeof file.content_id === "string" ? file.content_id : "index";
      const text = JSON.stringify(file).replaceAll(".sjson", ".json");
      stream.files.set(`streams/v1/${name}.json`, Buffer.from(text));
    }
    await expect(read()).rejects.toThrow(/404 Not Found/);
    const roots = await read({ signed: false });
    expect(roots.files.map(({ path }) => path)).toEqual(
      [index, products, loaderProducts].map((path) => path.replace("sjson", "json")),
    );
    expect(roots.keys).toBeUndefined();
    expect(await requestsOf(() => read({ signed: false }))).toHaveLength(3);
  });
});

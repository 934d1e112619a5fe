import { createHash } from "node:crypto";
import { posix } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { metadataCache } from "../../../content/metadata-cache.ts";
import { parseIndex } from "../../../content/simplestreams/index-file.ts";
import { jsonDocument } from "../../../content/simplestreams/json-document.ts";
import { planImages } from "../../../content/simplestreams/plan.ts";
import { comparePlans } from "../../../content/simplestreams/plan-comparison.ts";
import {
  type ImagePlan,
  type PlanRow,
  parsePlanText,
  planText,
  summarise,
} from "../../../content/simplestreams/plan-text.ts";
import { parseProducts } from "../../../content/simplestreams/products.ts";
import { selectProducts } from "../../../content/simplestreams/selection.ts";
import { readStreamRoots } from "../../../content/simplestreams/streams.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { digest, sanePath, size, word } from "./upstream-values.ts";

const updated = "Mon, 01 Jun 2026 06:00:00 +0000";
const now = new Date("2026-06-03T12:00:00Z");

/** What comes of it, or that it was refused as what is foreseen is, in printable words. */
function orRefused<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    expect(error.message).toMatch(/^[\x20-\x7e\n]{1,8000}$/);
    return undefined;
  }
}

/** A word that may be part of the name that MAAS gives an image. */
const name = word.map((text) => text.replace(/[/,()]/g, "_"));

const row: fc.Arbitrary<PlanRow> = fc
  .record({
    path: sanePath,
    size,
    sha256: digest,
    product: fc.option(
      fc.record({
        kind: fc.constantFrom("image" as const, "bootloader" as const, "notifications" as const),
        os: name,
        release: name,
        architecture: name,
        kernel: name,
        name: word,
        serial: name,
      }),
    ),
  })
  .map(({ product, ...file }) => (product ? { ...file, product } : file));

const ages = fc.record({
  index: word,
  products: fc.array(fc.tuple(word, word), { maxLength: 3 }).map((all) => Object.fromEntries(all)),
});

describe("a plan's text", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(ages, fc.array(row, { maxLength: 6 }), (of, rows) => {
        const plan = summarise(of, rows);
        const written = planText(plan);
        expect(parsePlanText(written)).toEqual(plan);
        expect(createHash("sha256").update(written).digest("hex")).toBe(plan.digest);
        expect(summarise(of, [...rows, ...rows].reverse())).toEqual(plan);
        expect(comparePlans(plan, parsePlanText(written))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("that somebody changed is read into sound rows, or refused", () => {
    const part = fc.oneof(
      word,
      digest,
      fc.constantFrom("", "12", "index", "products", "image", "__proto__", "\x1b", "\0"),
    );
    const line = fc.oneof(
      fc.array(part, { maxLength: 11 }).map((parts) => parts.join(" ")),
      row.map((one) => planText(summarise({ index: "", products: {} }, [one])).split("\n")[2] ?? ""),
    );
    const hostile = fc
      .tuple(fc.constantFrom("", "airgapped-maas image plan 1"), fc.array(line, { maxLength: 4 }))
      .map(([first, lines]) => [first, ...lines].join("\n"));
    fc.assert(
      fc.property(hostile, (written) => {
        const plan = orRefused(() => parsePlanText(written));
        if (!plan) return;
        for (const { path, size, sha256 } of plan.rows) {
          expect(sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
          expect(path).not.toBe("");
        }
        for (const text of comparePlans(undefined, plan)) expect(text).not.toMatch(/[\x00-\x1f\x7f]|NaN/);
      }),
      { numRuns: 500 },
    );
  });
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

type Fields = Readonly<Record<string, unknown>>;

/** Products of a stream as they are, each with a few versions of some files, and what is to be found of each. */
const soundProducts = fc
  .uniqueArray(
    fc.record({
      name: word,
      os: name,
      release: name.filter((text) => text !== "notifications"),
      arch: name,
      subarch: name,
      versions: fc.dictionary(name, fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), {
        minKeys: 1,
        maxKeys: 3,
      }),
    }),
    { minLength: 1, maxLength: 4, selector: ({ name }) => name },
  )
  .map((all) =>
    all.map(({ name, versions, ...fields }, at) => {
      const files = Object.entries(versions).flatMap(([serial, kinds]) =>
        kinds.map((ftype, number) => {
          const path = `images/${at}/${sha256(serial).slice(0, 8)}/${number}`;
          return { serial, ftype, path, size: path.length, sha256: sha256(path) };
        }),
      );
      const items = (of: string) =>
        Object.fromEntries(
          files.filter(({ serial }) => serial === of).map(({ serial: _, ...item }) => [item.ftype, item]),
        );
      const listed = Object.keys(versions).map((serial) => [serial, { items: items(serial) }]);
      return {
        name,
        fields: { ...fields, label: "stable", versions: Object.fromEntries(listed) } as Fields,
        os: fields.os,
        release: fields.release,
        architecture: fields.arch,
        newest: Object.keys(versions).sort().at(-1) ?? "",
        files,
      };
    }),
  );

const productFile = (contentId: string, products: readonly (readonly [string, unknown])[]) => ({
  content_id: contentId,
  format: "products:1.0",
  updated,
  products: Object.fromEntries(products),
});

const indexOf = (entries: Iterable<readonly [string, unknown]>) => ({
  format: "index:1.0",
  index: Object.fromEntries(entries),
  updated,
});

describe("a stream", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(word, soundProducts, (contentId, all) => {
        const document = productFile(
          contentId,
          all.map(({ name, fields }) => [name, fields]),
        );
        const { products, odd, ...file } = parseProducts(JSON.stringify(document), "list");
        expect(odd).toEqual([]);
        expect(file).toEqual({ contentId, updated: new Date("2026-06-01T06:00:00Z") });
        const found = products.map(({ name, os, release, architecture, serials, items }) => {
          const files = serials.flatMap((serial) => items(serial).map((item) => ({ serial, ...item })));
          return { name, os, release, architecture, files: new Set(files) };
        });
        const expected = all.map(({ name, os, release, architecture, files }) => ({
          name,
          os,
          release,
          architecture,
          files: new Set(files),
        }));
        expect(new Set(found)).toEqual(new Set(expected));
      }),
      { numRuns: 100 },
    );
  });

  test("is planned as it says, and the plan's text says so too", async () => {
    await fc.assert(
      fc.asyncProperty(soundProducts, async (all) => {
        const document = productFile(
          "images",
          all.map(({ name, fields }) => [name, fields]),
        );
        const path = "streams/v1/images.json";
        const files = new Map([
          ["streams/v1/index.json", JSON.stringify(indexOf([["images", { path, updated }]]))],
          [path, JSON.stringify(document)],
        ]);
        const roots = await readStreamRoots({
          url: "http://images.test",
          fetch: async (of) => Buffer.from(files.get(of) ?? ""),
          signed: false,
          // Nothing of an unsigned stream is kept.
          cache: metadataCache("/nowhere"),
          now,
        });
        const images = all.map(({ os, release, architecture }) => ({
          os,
          releases: [release],
          architectures: [architecture],
        }));
        const plan = await planImages(roots, { images });
        const expected = all.flatMap(({ name, newest, files }) =>
          files
            .filter(({ serial }) => serial === newest)
            .map(({ path, sha256 }) => `${name} ${path} ${sha256}`),
        );
        const found = plan.rows.flatMap(({ path, sha256, product }) =>
          product ? [`${product.name} ${path} ${sha256}`] : [],
        );
        expect(found.sort()).toEqual(expected.sort());
        const { digest, ages, rows, files: all_, images: held, bytes }: ImagePlan = plan;
        expect(parsePlanText(planText(plan))).toEqual({
          digest,
          ages,
          rows,
          files: all_,
          images: held,
          bytes,
        });
      }),
      { numRuns: 100 },
    );
  });
});

/** Names that objects have without anybody's doing. */
const inherited = fc.constantFrom(
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
);

/** Any JSON value, as what `JSON.parse` makes of a text: with `__proto__` as a key like others. */
const { anyJson } = fc.letrec<{ anyJson: unknown }>((tie) => ({
  anyJson: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), inherited),
    fc.array(tie("anyJson"), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.oneof(fc.string(), inherited), tie("anyJson")), { maxLength: 3 })
      .map((all) => Object.fromEntries(all)),
  ),
}));

/** Mostly what it is to be; undefined is a key that is not there. */
const seldomOdd = (sound: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { arbitrary: sound, weight: 40 },
    { arbitrary: anyJson, weight: 1 },
    { arbitrary: fc.constant(undefined), weight: 1 },
  );

const dictionary = (keys: fc.Arbitrary<string>, values: fc.Arbitrary<unknown>) =>
  fc
    .array(fc.tuple(fc.oneof({ arbitrary: keys, weight: 8 }, { arbitrary: inherited, weight: 1 }), values), {
      maxLength: 3,
    })
    .map((all) => Object.fromEntries(all));

const oddItem = fc.record({
  ftype: seldomOdd(name),
  path: seldomOdd(sanePath),
  size: seldomOdd(fc.oneof(size, size.map(String))),
  sha256: seldomOdd(digest),
});

const oddProduct = fc.record({
  os: seldomOdd(fc.constant("ubuntu")),
  arch: seldomOdd(fc.constant("amd64")),
  release: seldomOdd(fc.constantFrom("noble", "notifications")),
  label: seldomOdd(name),
  subarch: seldomOdd(name),
  kflavor: seldomOdd(name),
  version: seldomOdd(name),
  "bootloader-type": fc.option(seldomOdd(fc.constant("uefi")), { freq: 3, nil: undefined }),
  versions: seldomOdd(
    dictionary(name, seldomOdd(fc.record({ items: seldomOdd(dictionary(word, seldomOdd(oddItem))) }))),
  ),
});

const oddProductFile = fc.record({
  content_id: seldomOdd(word),
  format: seldomOdd(fc.constant("products:1.0")),
  updated: seldomOdd(fc.constant(updated)),
  products: seldomOdd(dictionary(word, seldomOdd(oddProduct))),
});

const oddIndex = fc.record({
  format: seldomOdd(fc.constant("index:1.0")),
  updated: seldomOdd(fc.constant(updated)),
  index: seldomOdd(
    dictionary(
      word,
      seldomOdd(
        fc.record({
          format: seldomOdd(fc.constant("products:1.0")),
          path: seldomOdd(sanePath),
          updated: seldomOdd(fc.constant(updated)),
        }),
      ),
    ),
  ),
});

const anyText = (document: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { arbitrary: document.map((value) => JSON.stringify(value)), weight: 8 },
    { arbitrary: anyJson.map((value) => JSON.stringify(value)), weight: 1 },
    { arbitrary: fc.string({ unit: fc.constantFrom(...'{}[]",:0-eE.\\u \n\0é') }), weight: 1 },
  );

/** A path leads nowhere else, whoever joins it to what. */
function expectSane(path: string): void {
  expect(posix.resolve("/srv/mirror", path)).toBe(`/srv/mirror/${path}`);
  expect(path).toMatch(/^[\x21-\x7e]{1,1000}$/);
}

describe("what is no stream, or has odd parts, is read into checked values or refused", () => {
  const properties = () => Object.getOwnPropertyNames(Object.prototype).sort();
  const before = properties();
  afterEach(() => expect(properties()).toEqual(before));

  test("as any JSON", () => {
    fc.assert(
      fc.property(anyText(fc.constant({})), (written) => {
        const document = orRefused(() => jsonDocument(written, "file"));
        if (document === undefined) return;
        expect(document).toEqual(JSON.parse(written));
        expect(Object.getPrototypeOf(document)).toBe(Object.prototype);
      }),
      { numRuns: 300 },
    );
  });

  test("as an index", () => {
    let read = 0;
    fc.assert(
      fc.property(anyText(oddIndex), (written) => {
        const index = orRefused(() => parseIndex(written, "index"));
        if (!index) return;
        read++;
        expect(index.updated.getTime()).toBeGreaterThan(0);
        for (const { contentId, path, updated: date } of index.entries) {
          expect(contentId).toMatch(/^[\x21-\x7e]{1,256}$/);
          expect(contentId).not.toBe("__proto__");
          expectSane(path);
          expect(date.getTime()).toBeGreaterThan(0);
        }
        const { index: listed } = JSON.parse(written) as { index: object };
        expect(index.entries.map(({ contentId }) => contentId)).toEqual(Object.keys(listed));
      }),
      { numRuns: 300 },
    );
    expect(read).toBeGreaterThan(10);
  });

  test("as a product file", () => {
    let selected = 0;
    fc.assert(
      fc.property(anyText(oddProductFile), (written) => {
        const list = orRefused(() => parseProducts(written, "list"));
        if (!list) return;
        const { products: listed } = JSON.parse(written) as { products: object };
        expect(list.products.length + list.odd.length).toBe(Object.keys(listed).length);
        for (const { name, os, release, architecture, serials, kernel, fault, items } of list.products) {
          for (const one of [os, release, architecture, kernel])
            expect(one).toMatch(/^[^/,()\x00-\x20\x7f-\uffff]+$/);
          expect(Object.keys(listed)).toContain(name);
          expect(name).not.toBe("__proto__");
          for (const serial of [...serials, "constructor", "__proto__"]) {
            const found = orRefused(() => items(serial));
            if (!serials.includes(serial)) expect(found).toBeUndefined();
            for (const item of found ?? []) {
              expectSane(item.path);
              expect(item.sha256).toMatch(/^[0-9a-f]{64}$/);
              expect(Number.isSafeInteger(item.size) && item.size >= 0).toBe(true);
            }
          }
          if (fault) expect(fault.refusal()).toBeInstanceOf(ExplainedError);
        }
        const images = [{ os: "ubuntu", releases: ["noble"], architectures: ["amd64"] }];
        for (const { product, files } of orRefused(() => selectProducts([list], images))?.selected ?? []) {
          expect(product.fault).toBeUndefined();
          for (const { path } of files) expectSane(path);
          selected++;
        }
      }),
      { numRuns: 500 },
    );
    expect(selected).toBeGreaterThan(10);
  });
});

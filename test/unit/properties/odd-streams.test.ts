import { posix } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseIndex } from "../../../content/simplestreams/index-file.ts";
import { jsonDocument } from "../../../content/simplestreams/json-document.ts";
import { parseProducts } from "../../../content/simplestreams/products.ts";
import { selectProducts } from "../../../content/simplestreams/selection.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { orRefused } from "./or-refused.ts";
import { digest, imageName, sanePath, size, word } from "./upstream-values.ts";

const updated = "Mon, 01 Jun 2026 06:00:00 +0000";

/** Names that every object inherits. */
const inherited = fc.constantFrom(
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
);

/** Any JSON value, as from `JSON.parse`: `__proto__` is an ordinary key. */
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

/** Usually the expected value. Undefined is a missing key. */
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

/** Paths where no file of a stream may be. */
const elsewhere = fc.constantFrom(
  "../x",
  "/etc/passwd",
  "a/../../x",
  "a//b",
  "./a",
  "a/",
  "a b",
  "a\n",
  "a?b",
  "é",
  "",
);

const oddItem = fc.record({
  ftype: seldomOdd(imageName),
  path: seldomOdd(fc.oneof({ arbitrary: sanePath, weight: 20 }, { arbitrary: elsewhere, weight: 1 })),
  size: seldomOdd(fc.oneof(size, size.map(String))),
  sha256: seldomOdd(digest),
});

const oddProduct = fc.record({
  os: seldomOdd(fc.constant("ubuntu")),
  arch: seldomOdd(fc.constant("amd64")),
  release: seldomOdd(fc.constantFrom("noble", "notifications")),
  label: seldomOdd(imageName),
  subarch: seldomOdd(imageName),
  kflavor: seldomOdd(imageName),
  version: seldomOdd(imageName),
  "bootloader-type": fc.option(seldomOdd(fc.constant("uefi")), { freq: 3, nil: undefined }),
  versions: seldomOdd(
    dictionary(imageName, seldomOdd(fc.record({ items: seldomOdd(dictionary(word, seldomOdd(oddItem))) }))),
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
          path: seldomOdd(fc.oneof({ arbitrary: sanePath, weight: 10 }, { arbitrary: elsewhere, weight: 1 })),
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

/** A path must remain below any directory to which it is joined. */
function expectSane(path: string): void {
  expect(posix.resolve("/srv/mirror", path)).toBe(`/srv/mirror/${path}`);
  expect(path).toMatch(/^[\x21-\x7e]{1,1000}$/);
}

describe("a text that may be invalid is read into checked values or refused:", () => {
  const properties = () => Object.getOwnPropertyNames(Object.prototype).sort();
  const before = properties();
  afterEach(() => expect(properties()).toEqual(before));

  test("any JSON", () => {
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

  test("an index", () => {
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

  test("a product file", () => {
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

import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { metadataCache } from "../../../content/metadata-cache.ts";
import { planImages } from "../../../content/simplestreams/plan.ts";
import { parsePlanText, planText } from "../../../content/simplestreams/plan-text.ts";
import { parseProducts } from "../../../content/simplestreams/products.ts";
import { readStreamRoots } from "../../../content/simplestreams/streams.ts";
import { imageName, word } from "./upstream-values.ts";

const updated = "Mon, 01 Jun 2026 06:00:00 +0000";
const now = new Date("2026-06-03T12:00:00Z");

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

type Fields = Readonly<Record<string, unknown>>;

/** Valid products of a stream, each with a few versions of some files, and the expected result for each. */
const soundProducts = fc
  .uniqueArray(
    fc.record({
      name: word,
      os: imageName,
      release: imageName.filter((text) => text !== "notifications"),
      arch: imageName,
      subarch: imageName,
      versions: fc.dictionary(imageName, fc.uniqueArray(imageName, { minLength: 1, maxLength: 3 }), {
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

  test("gives a plan with the files of its newest versions, and the plan's text is read back unchanged", async () => {
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
          // Unsigned streams are not cached.
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
        expect({ ...plan, ...parsePlanText(planText(plan)) }).toEqual(plan);
      }),
      { numRuns: 100 },
    );
  });
});

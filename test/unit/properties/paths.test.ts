import { posix } from "node:path";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { directoriesOf, isSanePath } from "../../../content/paths.ts";
import { sanePath } from "./upstream-values.ts";

/** Texts that are usually paths, and often paths outside the directory. */
const anyPath = fc.oneof(
  sanePath,
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "",
          ".",
          "..",
          "...",
          "a",
          "%2e%2e",
          "..\\..",
          "~",
          "a:",
          "n".repeat(255),
          "n".repeat(256),
        ),
        fc.string({ unit: "binary", maxLength: 3 }),
        fc.string({ maxLength: 4 }),
      ),
      { maxLength: 5 },
    )
    .map((parts) => parts.join("/")),
);

test("a sane path stays below the directory and below the URL to which it is joined", () => {
  let sane = 0;
  fc.assert(
    fc.property(anyPath, (path) => {
      if (!isSanePath(path)) return;
      sane++;
      expect(posix.resolve("/srv/mirror", path)).toBe(`/srv/mirror/${path}`);
      const url = new URL(`http://archive.test/ubuntu/${path}`);
      expect(decodeURIComponent(url.pathname)).toBe(`/ubuntu/${path}`);
      expect([url.host, url.search, url.hash]).toEqual(["archive.test", "", ""]);
      // It must be one word of one line.
      expect(path.split(/\s/)).toEqual([path]);
    }),
    { numRuns: 1000 },
  );
  expect(sane).toBeGreaterThan(100);
});

test("a path that upstream may use is sane, and a path with an odd part is not", () => {
  const odd = fc.constantFrom(
    "",
    ".",
    "..",
    "a b",
    "a\n",
    "a\0",
    "é",
    "a\\b",
    "a?b",
    "a#b",
    "a%b",
    "n".repeat(256),
  );
  fc.assert(
    fc.property(sanePath, odd, fc.nat({ max: 5 }), (path, part, place) => {
      expect(isSanePath(path)).toBe(true);
      const parts = path.split("/");
      parts.splice(place, 0, part);
      expect(isSanePath(parts.join("/"))).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("the directories of a path are its starts before each slash, the nearest first", () => {
  fc.assert(
    fc.property(sanePath, (path) => {
      const found = [...directoriesOf(path)];
      expect(found).toHaveLength(path.split("/").length - 1);
      for (const [at, directory] of found.entries())
        expect(directory).toBe(posix.dirname(found[at - 1] ?? path));
    }),
  );
});

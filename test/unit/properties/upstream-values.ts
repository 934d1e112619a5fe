import fc from "fast-check";

/* Values for properties, as upstream may have them in its metadata. */

/** 64 hexadecimal digits, lowercase. */
export const digest = fc
  .bigInt({ min: 0n, max: (1n << 256n) - 1n })
  .map((number) => number.toString(16).padStart(64, "0"));

/** Bytes: up to 15 digits. */
export const size = fc.oneof(fc.nat(), fc.nat({ max: 999_999_999_999_999 }));

/** Any word of printable ASCII, also names that every JavaScript object inherits. */
export const word = fc.oneof(
  {
    arbitrary: fc.string({ minLength: 1, maxLength: 8 }).map((text) => text.replaceAll(" ", "_")),
    weight: 4,
  },
  { arbitrary: fc.constantFrom("constructor", "toString", "hasOwnProperty", "valueOf", "0", "-"), weight: 1 },
);

/** A word that may be part of the name that MAAS gives an image. */
export const imageName = word.map((text) => text.replace(/[/,()]/g, "_"));

/** Characters of a path: none that has a meaning in Windows, shells, URLs or lists. */
const inPath = [..."abz09AZ.-_~+:=@^,;!$&()[]{}`"];

const partOfPath = fc.oneof(
  fc
    .string({ unit: fc.constantFrom(...inPath), minLength: 1, maxLength: 8 })
    .filter((part) => part !== "." && part !== ".."),
  fc.constantFrom("pool", "main", "dists", "constructor", "...", "..a", "-"),
);

/** A relative path that stays below the directory that it is joined to. */
export const sanePath = fc.array(partOfPath, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));

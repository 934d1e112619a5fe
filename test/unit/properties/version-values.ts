import fc from "fast-check";

/** Few different characters, so that many versions have a common start and differ late. */
export const part = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength });

/** Parts of a version that dpkg accepts (Debian Policy 5.6.12), also long sequences of digits. */
const parts = fc.record({
  epoch: fc.option(fc.constantFrom("0", "00", "1", "01", "2", "10", "2147483647"), { freq: 2 }),
  upstream: fc.tuple(
    fc.constantFrom("0", "1", "9", "00", "01", "10", "18446744073709551616", "018446744073709551615"),
    part("019aZb~+.-", 6),
  ),
  revision: fc.option(fc.tuple(fc.constantFrom("0", "1", "9", "a", "~", "+", "."), part("019aZb~+.", 4))),
});

type Parts = typeof parts extends fc.Arbitrary<infer Value> ? Value : never;

function textOf({ epoch, upstream, revision }: Parts): string {
  const text = upstream.join("") + (revision ? `-${revision.join("")}` : "");
  // After a hyphen at the end the revision would be empty, which dpkg refuses.
  return (epoch === null ? "" : `${epoch}:`) + text.replace(/-+$/, "");
}

export const version = parts.map(textOf);

/** Two versions that usually have a common start. Otherwise the first character would decide. */
export const versionPair = fc.oneof(
  { arbitrary: fc.tuple(version, version), weight: 1 },
  {
    arbitrary: fc.tuple(parts, parts, fc.nat({ max: 4 })).map(([one, other, shared]) => {
      const [first, rest] = one.upstream;
      const upstream: Parts["upstream"] = [first, rest.slice(0, shared) + other.upstream[1]];
      return [textOf(one), textOf({ ...other, epoch: one.epoch, upstream })] as const;
    }),
    weight: 4,
  },
);

/** Any version that is read from an index, also one that dpkg refuses. */
export const anyVersion = fc.oneof(
  version,
  part("019aZ~+.-:_%@^=xe", 8).filter((text) => text !== ""),
);

type Sign = "<" | "=" | ">";

/** The sign of the result of a comparison. */
export const sign = (order: number): Sign => (order < 0 ? "<" : order > 0 ? ">" : "=");

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type FieldNames, readStanzas } from "../../../content/apt/stanzas.ts";

const names: FieldNames = { single: ["package", "version", "size"], long: ["depends", "files"] };
const known = [...names.single, ...names.long];

const blanks = fc.string({ unit: fc.constantFrom(" ", "\t"), maxLength: 2 });

/** Without blanks at the ends, in Latin-1 as stanzas are read: mostly ASCII, and bytes of UTF-8. */
const value = fc
  .string({
    unit: fc.oneof(
      { arbitrary: fc.string({ minLength: 1, maxLength: 1 }), weight: 3 },
      { arbitrary: fc.constantFrom(..." :#-\x80\x85\xa0\xc3\xff"), weight: 1 },
    ),
    maxLength: 12,
  })
  .map((text) => text.replace(/^ +| +$/g, ""));

interface Field {
  readonly name: string;
  /** The lines of the value, without the blanks around each. The first one is on the line of the name. */
  readonly lines: readonly string[];
  /** Blanks before and after each line. */
  readonly around: readonly [string, string];
}

const field = (name: fc.Arbitrary<string>, hasMoreLines: boolean): fc.Arbitrary<Field> =>
  fc.record({
    name,
    lines: fc
      .tuple(
        value,
        // A line of blanks would end the stanza.
        fc.array(
          value.filter((text) => text !== ""),
          { maxLength: hasMoreLines ? 3 : 0 },
        ),
      )
      .map(([first, rest]) => [first, ...rest]),
    around: fc.tuple(blanks, blanks),
  });

/** A name with any mixture of lowercase and uppercase letters. */
const cased = (name: string) =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((upper) => [...name].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(""));

const otherName = fc
  .string({ unit: fc.constantFrom(..."abzAZ09-_.#~"), minLength: 1, maxLength: 8 })
  .filter((name) => !/^[#-]/.test(name) && !known.includes(name.toLowerCase()));

/** Some of the fields that are read, among others, in any order. */
const stanza: fc.Arbitrary<readonly Field[]> = fc
  .record({
    single: fc.subarray([...names.single]),
    long: fc.subarray([...names.long]),
    other: fc.uniqueArray(otherName, { maxLength: 3, selector: (name) => name.toLowerCase() }),
  })
  .filter(({ single, long, other }) => single.length + long.length + other.length > 0)
  .chain(({ single, long, other }) =>
    fc.tuple(
      ...single.map((name) => field(cased(name), false)),
      ...long.map((name) => field(cased(name), true)),
      ...other.map((name) => field(fc.constant(name), true)),
    ),
  )
  .chain((fields) => fc.shuffledSubarray(fields, { minLength: fields.length }));

function textOf(fields: readonly Field[]): string {
  return fields
    .map(({ name, lines, around: [before, after] }) => {
      const [first, ...rest] = lines.map((line) => `${before}${line}${after}\n`);
      return [`${name}:${first}`, ...rest.map((line) => ` ${line}`)].join("");
    })
    .join("");
}

/** The expected values of the fields that are read. */
function expectedOf(fields: readonly Field[]) {
  return known.map((name) => {
    const lines = fields.find((one) => one.name.toLowerCase() === name)?.lines;
    return { name, value: lines?.join(" ").replace(/^ /, ""), lines: lines ?? [] };
  });
}

/** All stanzas found in a text. */
async function read(text: string, ...pieces: readonly Uint8Array[]) {
  const stanzas: {
    at: number;
    size: number;
    odd: string | undefined;
    loose: string | undefined;
    fields: { name: string; value: string | undefined; lines: readonly string[] }[];
  }[] = [];
  const all = [...pieces, Buffer.from(text, "latin1")];
  const returns = await readStanzas(all, names, "Packages", (found) => {
    const { at, size, odd, loose } = found;
    const fields = known.map((name) => ({ name, value: found.value(name), lines: [...found.lines(name)] }));
    stanzas.push({ at, size, odd, loose, fields });
  });
  return { stanzas, returns };
}

/** One or more empty lines between stanzas, any number before and after them. */
const texts = fc
  .record({
    all: fc.array(stanza, { maxLength: 4 }),
    gaps: fc.array(fc.nat({ max: 2 }), { minLength: 6, maxLength: 6 }),
  })
  .map(({ all, gaps }) => {
    const parts = all.map((fields, at) => "\n".repeat((gaps[at] ?? 0) + (at > 0 ? 1 : 0)) + textOf(fields));
    return { all, text: parts.join("") + "\n".repeat(gaps[5] ?? 0) };
  });

describe("stanzas", () => {
  test("are read as they were written", async () => {
    await fc.assert(
      fc.asyncProperty(texts, async ({ all, text }) => {
        const { stanzas, returns } = await read(text);
        expect(stanzas.map(({ fields }) => fields)).toEqual(all.map(expectedOf));
        expect(stanzas.filter(({ odd, loose }) => odd !== undefined || loose !== undefined)).toEqual([]);
        const parts = stanzas.map(({ at, size }) => text.slice(at, at + size));
        expect(parts).toEqual(all.map(textOf));
        expect(returns).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  test("with carriage returns have the same fields, and the carriage returns are reported", async () => {
    await fc.assert(
      fc.asyncProperty(texts, async ({ all, text }) => {
        const { stanzas, returns } = await read(text.replaceAll("\n", "\r\n"));
        expect(stanzas.map(({ fields }) => fields)).toEqual(all.map(expectedOf));
        for (const [at, { odd, loose }] of stanzas.entries()) {
          const single = all[at]?.some(({ name }) => names.single.includes(name.toLowerCase()));
          expect(odd).toBeUndefined();
          if (single) expect(loose).toMatch(/^has a carriage return after its/);
        }
        expect(returns).toBe(/^\n/m.test(text));
      }),
      { numRuns: 100 },
    );
  });

  test.each<[string, (name: string, text: string) => string]>([
    ["a carriage return", (name, text) => `${name}: a\rb${text}\n`],
    ["a NUL", (name, text) => `${name}: a\0b${text}\n`],
    ["a delete character", (name, text) => `${name}: a\x7fb${text}\n`],
    ["a form feed", (name, text) => `${name}: a\fb${text}\n`],
    ["a second line", (name, text) => `${name}: a\n ${text}\n`],
    ["a second copy in capitals", (name, text) => `${name.toUpperCase()}: ${text}\n${name}: a\n`],
    ["a second copy with a blank after its name", (name, text) => `${name}: a\n${name} : ${text}\n`],
    ["a second copy after a carriage return", (name, text) => `\r${name}: ${text}\n${name}: a\n`],
  ])("with a one-line field that has %s are odd, wherever the field is", async (_, spoiled) => {
    await fc.assert(
      fc.asyncProperty(
        stanza,
        fc.nat({ max: 8 }),
        fc.constantFrom(...names.single),
        value,
        async (all, place, name, text) => {
          const parts = all.filter((one) => one.name.toLowerCase() !== name).map((one) => textOf([one]));
          parts.splice(place, 0, spoiled(name, text));
          const { stanzas } = await read(parts.join(""));
          expect(stanzas.map(({ odd }) => odd)).toEqual([expect.stringMatching(/^has /)]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("are read in portions with the same result as in one piece, for any text", async () => {
    const large = Buffer.from(`X: ${"y".repeat(1024 * 1024)}\n\n`);
    const tokens = fc.oneof(
      fc.constantFrom(..."\n\r\0: \t#-a\xa0"),
      fc.constantFrom("\n\n", "\r\n", "Package: a\n", "size", "Files:\n", " b c\n"),
    );
    const any = fc.oneof(
      fc.string({ unit: tokens, maxLength: 30 }),
      texts.map(({ text }) => text),
    );
    await fc.assert(
      fc.asyncProperty(any, fc.nat({ max: 100 }), async (text, cut) => {
        const first = Buffer.concat([large, Buffer.from(text.slice(0, cut), "latin1")]);
        const { stanzas, returns } = await read(text.slice(cut), first);
        const whole = await read(text);
        const found = stanzas.slice(1).map(({ at, ...rest }) => ({ at: at - large.length, ...rest }));
        expect(found).toEqual(whole.stanzas);
        expect(returns).toBe(whole.returns);
      }),
      { numRuns: 100 },
    );
  });
});

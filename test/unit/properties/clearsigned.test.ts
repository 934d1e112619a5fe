import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type CleartextMessage, createCleartextMessage, sign } from "openpgp";
import { splitClearsigned, toPlainText } from "../../../content/openpgp/clearsigned-text.ts";
import { trustedKeys } from "../../../content/openpgp/keyring.ts";
import { verifyClearsigned } from "../../../content/openpgp/verify.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { made, newKey, now } from "../content/small-archive.ts";

const key = await newKey();
const trusted = await trustedKeys(key.toPublic().armor());

/**
 * Lines that are difficult for readers of clearsigned texts: with dashes, blanks at both ends, and returns
 * inside.
 */
const line = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."-- \tab:\rF\xa0é"), maxLength: 8 }),
  fc.constantFrom(
    "-----BEGIN PGP SIGNED MESSAGE-----",
    "-----BEGIN PGP SIGNATURE-----",
    "-----END PGP SIGNATURE-----",
    "- -----BEGIN PGP SIGNATURE-----",
    "From a",
    "Hash: SHA512",
    "",
  ),
);

const text = fc.array(line, { minLength: 1, maxLength: 6 });

const lineEnd = fc.constantFrom("\n", "\r\n");

/** An armored block with the format of a signature (RFC 9580, section 6.2). It is not decoded here. */
const signature = fc
  .array(fc.base64String({ minLength: 4, maxLength: 64 }), { minLength: 1, maxLength: 3 })
  .map((lines) => ["-----BEGIN PGP SIGNATURE-----", "", ...lines, "-----END PGP SIGNATURE-----"]);

const headers = fc.subarray(["Hash: SHA512", "Hash: SHA256", "Hash: SHA1"]);

/**
 * A clearsigned file by RFC 9580, section 7. Lines that begin with a dash are escaped, and other lines may be. Blanks at
 * the ends of lines are not signed.
 */
const file = fc
  .record({
    text,
    headers,
    signature,
    lineEnd,
    escaped: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    blanks: fc.array(fc.constantFrom("", "", " ", "\t "), { minLength: 6, maxLength: 6 }),
  })
  .map(({ text, headers, signature, lineEnd, escaped, blanks }) => {
    const written = text.map(
      (one, at) => (one.startsWith("-") || escaped[at] ? "- " : "") + one + (blanks[at] ?? ""),
    );
    const all = ["-----BEGIN PGP SIGNED MESSAGE-----", ...headers, "", ...written, ...signature, ""];
    return {
      bytes: Buffer.from(all.join(lineEnd)),
      signed: text.map((one) => one.replace(/[ \t\r]+$/, "")),
      signature: `${signature.join("\n")}\n`,
      frame: `${["-----BEGIN PGP SIGNED MESSAGE-----", ...headers, "", ...signature].join("\n")}\n`,
    };
  });

describe("a clearsigned file", () => {
  test("is split into the parts from which it was made", () => {
    fc.assert(
      fc.property(file, ({ bytes, signed, signature, frame }) => {
        const parts = splitClearsigned(bytes);
        expect(parts && { ...parts, canonical: Buffer.from(parts.canonical).toString() }).toEqual({
          canonical: signed.join("\r\n"),
          signature,
          frame,
        });
        expect(parts && toPlainText(parts.canonical)).toBe(signed.join("\n"));
      }),
      { numRuns: 400 },
    );
  });

  test("is refused when other bytes are before it or after it", () => {
    const byte = fc.oneof(
      fc.nat({ max: 255 }),
      fc.constantFrom(...Buffer.from(" \t\v\f\0-\xa0\x85\xff", "latin1")),
    );
    const other = fc.array(byte, { minLength: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes));
    const block = signature.map((lines) => Buffer.from(lines.slice(-2).join("\n")));
    // Empty lines may follow.
    const after = other.filter((bytes) => !/^[ \t\r\n]*$/.test(bytes.toString("latin1")));
    fc.assert(
      fc.property(file, other, ({ bytes }, before) => {
        expect(splitClearsigned(Buffer.concat([before, bytes]))).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(file, fc.oneof(after, block), fc.constantFrom("", "\n"), ({ bytes }, more, lineEnd) => {
        expect(splitClearsigned(Buffer.concat([bytes, Buffer.from(lineEnd), more]))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

async function signedBy(lines: readonly string[]): Promise<string> {
  const message: CleartextMessage = await createCleartextMessage({ text: lines.join("\n") });
  return sign({ message, signingKeys: key, date: new Date(made) });
}

const read = (bytes: Uint8Array) => verifyClearsigned(bytes, trusted, now, "InRelease");

/** The result of the read, or undefined if it was refused with an expected error. */
async function readOrRefused(bytes: Uint8Array): Promise<string | undefined> {
  try {
    return (await read(bytes)).text;
  } catch (error) {
    expect(error).toBeInstanceOf(ExplainedError);
    return undefined;
  }
}

/** The library signs no empty text, and regards a return as a line end when it escapes dashes. */
const signable = text
  .map((lines) => lines.map((one) => one.replaceAll("\r", "")))
  .filter((lines) => lines.join("\n") !== "");

describe("a signed text", () => {
  test("is read as it was signed", async () => {
    await fc.assert(
      fc.asyncProperty(signable, lineEnd, async (lines, end) => {
        const file = (await signedBy(lines)).replaceAll("\r\n", "\n").replaceAll("\n", end);
        expect((await read(Buffer.from(file))).text).toBe(
          lines.map((one) => one.replace(/[ \t\r]+$/, "")).join("\n"),
        );
      }),
      { numRuns: 30 },
    );
  });

  test("with one byte changed gives the same text, or is refused", async () => {
    const byte = fc.oneof(
      fc.constantFrom(..."\n\r\0 \t-=:\xa0").map((one) => one.charCodeAt(0)),
      fc.nat({ max: 255 }),
    );
    const mutation = fc.tuple(fc.nat(), fc.nat({ max: 1 }), fc.nat({ max: 1 }), byte);
    let same = 0;
    await fc.assert(
      fc.asyncProperty(
        signable,
        fc.array(mutation, { minLength: 4, maxLength: 8 }),
        async (lines, mutations) => {
          const whole = Buffer.from(await signedBy(lines));
          const { text: before } = await read(whole);
          for (const [at, removed, added, code] of mutations) {
            const from = at % whole.length;
            const changed = [
              whole.subarray(0, from),
              Buffer.alloc(added, code),
              whole.subarray(from + removed),
            ];
            const after = await readOrRefused(Buffer.concat(changed));
            if (after === undefined) continue;
            expect(after).toBe(before);
            same += 1;
          }
        },
      ),
      { numRuns: 30 },
    );
    expect(same).toBeGreaterThan(0);
  });

  test("that is any other bytes is refused", async () => {
    const parts = fc.oneof(
      line.map((one) => Buffer.from(`${one}\n`)),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    );
    const begun = fc
      .constantFrom("", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n")
      .map((one) => Buffer.from(one));
    await fc.assert(
      fc.asyncProperty(begun, fc.array(parts, { maxLength: 8 }), async (first, rest) => {
        expect(await readOrRefused(Buffer.concat([first, ...rest]))).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

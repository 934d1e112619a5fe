import { execFileSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { quote, sh } from "../../../hosts/shell.ts";

/** Any text that a program can get as an argument. Most have characters with a meaning in shells. */
const word = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(..."'\"\\$`!*?[]{}()<>|&;#~^%= \n\t-a=,:."), maxLength: 12 }),
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.constantFrom("-n", "--", "$HOME", "$(exit 1)", "${IFS}", "if", "a=b", "=", "~root", "{a,b}", "\\c"),
  )
  .map((text) => text.replaceAll("\0", ""));

/** The arguments of the calls of the function `words` in a script, in order. */
function wordsIn(shell: string, script: string): string[] {
  const input = `words() { for word do printf '%s\\0' "$word"; done; }\n${script}`;
  return execFileSync(shell, { input, encoding: "utf8" }).split("\0").slice(0, -1);
}

/** Many per process, because a process takes more time than they do. */
const many = <Value>(one: fc.Arbitrary<Value>) => fc.array(one, { maxLength: 200, size: "max" });

describe("a quoted value", () => {
  test.each(["sh", "bash"])("is one unchanged word in %s", (shell) => {
    fc.assert(
      fc.property(many(word), (values) => {
        expect(wordsIn(shell, sh`words ${values}`)).toEqual(values);
        expect(wordsIn(shell, `words ${values.map(quote).join(" ")}`)).toEqual(values);
      }),
      { numRuns: 8 },
    );
  });

  test("is unchanged as part of a word, and in an assignment", () => {
    fc.assert(
      fc.property(many(fc.tuple(word, word)), (pairs) => {
        const lines = pairs.map(([one, other]) => sh`a=${one}; words x${one}${other}"y" "$a"`);
        const expected = pairs.flatMap(([one, other]) => [`x${one}${other}y`, one]);
        expect(wordsIn("sh", lines.join("\n"))).toEqual(expected);
      }),
      { numRuns: 8 },
    );
  });

  test("is unchanged in a script that is quoted itself", () => {
    fc.assert(
      fc.property(many(word), (values) => {
        expect(wordsIn("sh", sh`eval ${sh`words ${values}`}`)).toEqual(values);
      }),
      { numRuns: 8 },
    );
  });
});

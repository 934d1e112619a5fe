import { execFileSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { quote, sh } from "../../../hosts/shell.ts";

/** Any text that a program can be given for an argument, most of it of what shells have uses for. */
const word = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(..."'\"\\$`!*?[]{}()<>|&;#~^%= \n\t-a=,:."), maxLength: 12 }),
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.constantFrom("-n", "--", "$HOME", "$(exit 1)", "${IFS}", "if", "a=b", "=", "~root", "{a,b}", "\\c"),
  )
  .map((text) => text.replaceAll("\0", ""));

/** The words that a shell makes of the rest of a command. */
function wordsIn(shell: string, command: string): string[] {
  const script = `words() { for word do printf '%s\\0' "$word"; done; }\nwords ${command}`;
  return execFileSync(shell, { input: script, encoding: "utf8" }).split("\0").slice(0, -1);
}

describe("a quoted value", () => {
  test.each(["sh", "bash"])("is one word that stands for itself, to %s", (shell) => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 200 }), (values) => {
        expect(wordsIn(shell, sh`${values}`)).toEqual(values);
        expect(wordsIn(shell, values.map(quote).join(" "))).toEqual(values);
      }),
      { numRuns: 15 },
    );
  });

  test("may stand beside others in a word, and in what is assigned", () => {
    fc.assert(
      fc.property(word, word, (one, other) => {
        expect(wordsIn("sh", sh`x${one}${other}"y"`)).toEqual([`x${one}${other}y`]);
        expect(wordsIn("sh", sh`; a=${one}; words "$a"`)).toEqual([one]);
      }),
      { numRuns: 30 },
    );
  });

  test("can be a script of its own, in which values are quoted", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (values) => {
        const inner = sh`for word in ${values}; do printf '%s\\0' "$word"; done`;
        const printed = execFileSync("sh", { input: sh`sh -c ${inner}`, encoding: "utf8" });
        expect(printed.split("\0").slice(0, -1)).toEqual(values);
      }),
      { numRuns: 20 },
    );
  });
});

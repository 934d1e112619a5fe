import { execFileSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { sh } from "../../../hosts/shell.ts";

const odd = [
  "",
  " ",
  "plain",
  "-rf",
  "--",
  "~",
  "~root",
  "a b",
  "tab\there",
  "line\nbreak",
  "trailing\n",
  "\n",
  "it's",
  "''",
  '"double"',
  "$HOME",
  "$(id)",
  "`id`",
  "\\",
  "\\n",
  "*",
  "?[a-z]",
  "{a,b}",
  "a=b",
  "=",
  "#comment",
  "!",
  "!!",
  "a;b",
  "a&b",
  "a|b",
  "<in",
  ">out",
  "%s%n",
  "héllo wörld",
  "日本語",
  "🐧",
  "\u0001\u007f",
  "a'\"'\"'b",
  "\r\n",
];

/** The arguments that a real shell reads from a command. */
function wordsSeenBy(shell: string, command: string): string[] {
  const script = `for word in ${command}; do printf '%s\\0' "$word"; done`;
  return execFileSync(shell, { input: script, encoding: "utf8" }).split("\0").slice(0, -1);
}

describe("the quoting template", () => {
  test.each(["sh", "bash"])("passes each value to %s unchanged", (shell) => {
    expect(wordsSeenBy(shell, sh`${odd}`)).toEqual(odd);
    expect(odd.flatMap((value) => wordsSeenBy(shell, sh`${value}`))).toEqual(odd);
  });

  test("passes each Latin-1 character and random mixtures of special characters unchanged", () => {
    const characters = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1));
    const dangerous = [..."'\"\\$`!*?[]{}()<>|&;#~= \n\t-é"];
    let seed = 7;
    const pick = () => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return dangerous[seed % dangerous.length] ?? "";
    };
    const mixtures = Array.from({ length: 500 }, (_, index) =>
      Array.from({ length: index % 17 }, pick).join(""),
    );
    expect(wordsSeenBy("sh", sh`${[...characters, ...mixtures]}`)).toEqual([...characters, ...mixtures]);
  });
});

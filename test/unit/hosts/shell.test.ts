import { describe, expect, test } from "@jest/globals";
import { quote, sh } from "../../../hosts/shell.ts";

describe("the quoting template", () => {
  test("does not quote words that need no quotes", () => {
    expect(sh`systemctl restart ${"nginx.service"} --lines=${5}`).toBe(
      "systemctl restart nginx.service --lines=5",
    );
  });

  test("writes an array as separate words, and an empty array as nothing", () => {
    expect(sh`rm -- ${["a", "b c"]} ${[]}`).toBe("rm -- a 'b c' ");
  });

  test("keeps an empty value as a word", () => expect(quote("")).toBe("''"));

  test("refuses a NUL character", () => expect(() => sh`${"a\0b"}`).toThrow(/NUL/));
});

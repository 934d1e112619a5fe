import { describe, expect, test } from "@jest/globals";
import { quote, sh } from "../../../hosts/shell.ts";

describe("the quoting template", () => {
  test("leaves readable what needs no quotes", () => {
    expect(sh`systemctl restart ${"nginx.service"} --lines=${5}`).toBe(
      "systemctl restart nginx.service --lines=5",
    );
  });

  test("spreads arrays as words, and an empty one as nothing", () => {
    expect(sh`rm -- ${["a", "b c"]} ${[]}`).toBe("rm -- a 'b c' ");
  });

  test("keeps an empty value as a word", () => expect(quote("")).toBe("''"));

  test("refuses what no shell can carry", () => expect(() => sh`${"a\0b"}`).toThrow(/NUL/));
});

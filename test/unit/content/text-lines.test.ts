import { describe, expect, test } from "@jest/globals";
import { fieldsOf, linesOf } from "../../../content/text-lines.ts";

describe("a text's lines and fields", () => {
  test.each<[string, string, string[][]]>([
    ["nothing", "", []],
    ["a line without an end", "a b", [["a", "b"]]],
    ["a line with one", "a b\n", [["a", "b"]]],
    ["empty lines", "\n\na\n", [[""], [""], ["a"]]],
    [
      "empty fields",
      " a \n b\n ",
      [
        ["", "a", ""],
        ["", "b"],
        ["", ""],
      ],
    ],
    [
      "other characters",
      "ä é\r\n\0 ☃\n",
      [
        ["ä", "é\r"],
        ["\0", "☃"],
      ],
    ],
  ])("are the same of a string and of bytes: %s", (_, text, expected) => {
    expect([...fieldsOf(text, " ")]).toEqual(expected);
    expect([...fieldsOf(Buffer.from(text), " ")]).toEqual(expected);
    for (const each of [text, Buffer.from(text)])
      expect([...linesOf(each)]).toEqual(expected.map((fields) => fields.join(" ")));
  });
});

import { describe, expect, test } from "@jest/globals";
import { fieldsOf, linesOf } from "../../../content/text-lines.ts";

describe("the lines and fields of a text", () => {
  test.each<[string, string, string[][]]>([
    ["an empty text", "", []],
    ["a line without a newline", "a b", [["a", "b"]]],
    ["a line with a newline", "a b\n", [["a", "b"]]],
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
      "carriage return, NUL and non-ASCII characters",
      "ä é\r\n\0 ☃\n",
      [
        ["ä", "é\r"],
        ["\0", "☃"],
      ],
    ],
  ])("are the same for a string and for bytes: %s", (_, text, expected) => {
    expect([...fieldsOf(text, " ")]).toEqual(expected);
    expect([...fieldsOf(Buffer.from(text), " ")]).toEqual(expected);
    for (const each of [text, Buffer.from(text)])
      expect([...linesOf(each)]).toEqual(expected.map((fields) => fields.join(" ")));
  });
});

import { describe, expect, test } from "@jest/globals";
import { parseApiKey } from "../../../maas/api-key.ts";

const one = `${"a".repeat(18)}:${"b".repeat(18)}:${"c".repeat(32)}`;
const two = `${"d".repeat(18)}:${"e".repeat(18)}:${"f".repeat(32)}`;

describe("an API key", () => {
  test("has three parts, and white space around it is ignored", () => {
    expect(parseApiKey(` ${one}\n`)).toEqual({
      consumerKey: "a".repeat(18),
      tokenKey: "b".repeat(18),
      tokenSecret: "c".repeat(32),
    });
  });

  test.each(["", "a:b", `${one}:x`, one.replace("a", '"'), `${one}\n${two}`, one.replaceAll(":", "")])(
    "cannot be %j, and the error does not show this text",
    (text) => {
      expect(() => parseApiKey(text)).toThrow(/not three words.*\n.*maas apikey --username/);
      expect(() => parseApiKey(text)).not.toThrow(/bbbb/);
    },
  );
});

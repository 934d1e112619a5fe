import { expect, test } from "@jest/globals";
import { ExplainedError } from "../../../errors/explained-error.ts";

test("the control characters in an error are escaped", () => {
  const { message } = new ExplainedError({
    step: "reading x\r",
    found: 'a package "\x1b[2J\x9b1m\u202ebed.\x07"\n  of several lines\tand tabs, ümlauts and 漢字',
    remedy: "Nothing.\x7f",
  });
  expect(message).toBe(
    'reading x\\u000d: a package "\\u001b[2J\\u009b1m\\u202ebed.\\u0007"\n  of several lines\tand tabs, ümlauts and 漢字\n  What to do: Nothing.\\u007f',
  );
});

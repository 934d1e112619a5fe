import { describe, expect, test } from "@jest/globals";
import { redact } from "../../../hosts/script-run.ts";

describe("a secret in the output of a command", () => {
  test("is replaced everywhere, the longest secret first", () => {
    expect(redact("user:hunter22 hunter2!", ["hunter2", "hunter22"])).toBe("user:[secret] [secret]!");
  });

  test("of several lines is replaced line by line", () => {
    const key = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n";
    expect(redact("line 2: MIIEvQIBADAN: not found", [key])).toBe("line 2: [secret]: not found");
  });

  test("that is empty or has empty lines does not change the text", () => {
    expect(redact("a\nb", ["", "\n\n"])).toBe("a\nb");
  });
});

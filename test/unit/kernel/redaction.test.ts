import { describe, expect, test } from "@jest/globals";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { Redaction } from "../../../resources/kernel/redaction.ts";

describe("redaction", () => {
  test("replaces a secret, and each line of a secret with several lines", () => {
    const redaction = new Redaction(["key"]).learn({ key: "first line\n  second line\n", name: "plain" });
    expect(redaction.text("plain: bad second line: after first line")).toBe(
      "plain: bad [secret]: after [secret]",
    );
  });

  test("replaces the longer of two secrets with a common start", () => {
    expect(new Redaction(["a", "b"]).learn({ a: "hunter2", b: "hunter22" }).text("hunter22")).toBe(
      "[secret]",
    );
  });

  test("replaces a secret that is escaped as in JSON or in a URL", () => {
    const redaction = new Redaction(["key"]).learn({ key: 'a"b c/d' });
    expect(redaction.text('"a\\"b c/d" a%22b%20c%2Fd')).toBe('"[secret]" [secret]');
  });

  test("does not replace short values, true and null, and properties that are not named as secret", () => {
    const redaction = new Redaction(["key", "list"]).learn({
      key: "a\nabc\n",
      list: [true, null],
      other: "secret",
    });
    expect(redaction.text("a secret abc true null")).toBe("a secret abc true null");
  });

  test("replaces secrets in lists and records, and a secret part of a record", () => {
    const redaction = new Redaction(["all", "some.*.key"]).learn({
      all: [{ deep: "first" }, 12345],
      some: { a: { key: "second", owner: "root" } },
    });
    expect(redaction.text("first 12345 second root")).toBe("[secret] [secret] [secret] root");
  });

  test("replaces the secrets of all sources, also a text that is not well-formed Unicode", () => {
    const redaction = new Redaction(["key"])
      .learn({ key: "older" })
      .learn(undefined)
      .learn({ key: "bad\ud800" });
    expect(redaction.text("older bad\ud800")).toBe("[secret] [secret]");
  });

  test("of an error covers its explanation and its stack, and removes its cause", () => {
    const fields = { host: "h", resource: "R hunter2", step: "hunter2", found: "hunter2", remedy: "hunter2" };
    const error = new ExplainedError({ ...fields, cause: new Error("hunter2") });
    const redacted = new Redaction(["key"]).learn({ key: "hunter2" }).error(error);
    expect(redacted).toBeInstanceOf(ExplainedError);
    expect(redacted.explanation.found).toBe("[secret]");
    expect(redacted.cause).toBeUndefined();
    expect(`${redacted.message} ${redacted.stack}`).not.toContain("hunter2");
  });
});

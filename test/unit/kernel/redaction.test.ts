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

  test("replaces a part of a secret between quotes, also a short one", () => {
    const redaction = new Redaction(["file"]).learn({ file: "set password=abc12;\nurl http://u:pw@h/;\n" });
    expect(redaction.text(`nginx's check: "u:pw@h" 'abc12' and \`abc12;\` in "a.conf"`)).toBe(
      `nginx's check: "[secret]" '[secret]' and \`[secret]\` in "a.conf"`,
    );
  });

  test("replaces a part of a line whose other part is a secret too", () => {
    const redaction = new Redaction(["file"]).learn({ file: "name\nlogin name:hunter2@h" });
    expect(redaction.text('bad "name:hunter2@h"')).toBe('bad "[secret][secret]"');
  });

  test("replaces long words of a secret, but not names of its settings, its comments and declared open values", () => {
    const redaction = new Redaction(["files.*.content"]).leaveOpen({
      files: { "/etc/proxy.conf": { content: "hidden-word", owner: "www-data" } },
      site: "http://mirror.example/ubuntu",
    });
    redaction.learn({
      files: {
        a: {
          content:
            "# the configuration\nuser_name www-data;\n  access_key = AKIA1234:longer/token\n" +
            "secretly: hidden-word\nserver mirror.example;\n",
        },
      },
    });
    const open = "configuration user_name access_key secretly www-data mirror.example /etc/proxy.conf:3";
    expect(redaction.text(`${open} AKIA1234 hidden-word longer`)).toBe(`${open} [secret] [secret] longer`);
  });

  test("replaces the name of a setting that is also a value", () => {
    const redaction = new Redaction(["file"]).learn({ file: "password secretly\nsecretly on" });
    expect(redaction.text('"password" "secretly" secretly')).toBe('"password" "[secret]" [secret]');
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

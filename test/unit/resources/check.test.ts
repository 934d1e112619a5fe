import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { files } from "../../../resources/host/files.ts";
import { services } from "../../../resources/host/services.ts";
import { check } from "../../../resources/kernel/check.ts";
import type { Properties } from "../../../resources/kernel/stored-properties.ts";
import { unknown } from "../../../resources/kernel/unknown-values.ts";

const schema = z.object({
  sizes: z.record(z.string().startsWith("/", "must be absolute"), z.number()).default({}),
  name: z.string().optional(),
});

test.each([undefined, unknown])("a check reports a wrong key of a record (another value: %s)", (name) => {
  const { failures } = check(schema, { sizes: { "a b": 1 }, ...(name ? { name } : {}) });
  expect(failures).toEqual([{ property: 'sizes["a b"]', reason: "must be absolute" }]);
});

describe("beside an unknown value", () => {
  const unit = { enabled: true, running: true, dropIns: {}, reloadOn: {}, restartOn: {} };

  test("all defaults apply, in the same entry and in others", () => {
    const declared = {
      host: "h",
      services: {
        "nginx.service": { reloadOn: { "/etc/a": unknown, "/etc/b": "0".repeat(64) } },
        "apt.timer": { enabled: false },
      },
    };
    expect(check(services.inputs, declared)).toEqual({
      inputs: {
        host: "h",
        services: {
          "nginx.service": { ...unit, reloadOn: declared.services["nginx.service"].reloadOn },
          "apt.timer": { ...unit, enabled: false },
        },
      },
      failures: [],
    });
  });

  test("values are normalised, and a list with an unknown item stays unchanged", () => {
    const given = {
      host: "h",
      files: { "/a": { content: unknown, mode: "640" }, "/b": { content: "b", mode: "600" } },
      absent: ["/c", unknown],
    };
    const { inputs, failures } = check(files.inputs, given);
    expect(failures).toEqual([]);
    const root = { owner: "root", group: "root" };
    expect(inputs).toMatchObject({
      files: {
        "/a": { content: unknown, mode: "0640", ...root },
        "/b": { content: "b", mode: "0600", ...root },
      },
      absent: ["/c", unknown],
      secretFiles: {},
    });
  });

  test.each<[string, Properties, string, RegExp]>([
    [
      "a misspelled key",
      { "/a": { content: unknown, mod: "0600" } },
      'files["/a"]',
      /"mod" is not .* mode meant/,
    ],
    ["a wrong value", { "/a": { content: unknown, mode: "rw" } }, 'files["/a"].mode', /octal/],
    [
      "a wrong value of another entry",
      { "/a": { content: unknown }, "/b": {} },
      'files["/b"].content',
      /missing/,
    ],
    ["a wrong key", { a: { content: unknown } }, "files.a", /absolute path/],
    [
      "a group in place of a text",
      { "/a": { content: { text: unknown } } },
      'files["/a"].content',
      /must be a text/,
    ],
    ["a list in place of a group", { "/a": [unknown] }, 'files["/a"]', /must be a group/],
  ])("%s is reported", (_, declared, property, reason) => {
    const { failures } = check(files.inputs, { host: "h", files: declared });
    expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
  });

  test("a misspelled input is reported with the same reason as without it", () => {
    const wrong = { host: "h", file: {} };
    const { failures } = check(files.inputs, { ...wrong, links: { "/a": unknown } });
    expect(failures).toEqual(check(files.inputs, wrong).failures);
  });

  test("a rule across keys applies if it reads only known values", () => {
    const content = { content: unknown };
    const twice = { host: "h", files: { "/a": content }, links: { "/a": "/b" } };
    expect(check(files.inputs, twice).failures).toEqual([
      { property: 'links["/a"]', reason: "is also declared in files" },
    ]);
    expect(check(files.inputs, { ...twice, files: unknown }).failures).toEqual([]);
  });
});

describe("a schema with unknown parts", () => {
  const parts = z.strictObject({
    list: z
      .array(z.strictObject({ url: z.string(), weight: z.number().default(1) }))
      .min(2, "needs two")
      .optional(),
    pair: z
      .strictObject({ user: z.string().optional(), password: z.string().optional() })
      .superRefine(({ user, password }, context) => {
        if (user && password === user) context.addIssue({ code: "custom", message: "are the same" });
        if (user && !URL.canParse(user))
          context.addIssue({ code: "custom", path: ["user"], message: "is bad" });
      })
      .prefault({}),
    sorted: z
      .array(z.string())
      .transform((list) => [...new Set(list)].sort())
      .default([]),
    form: z
      .union([
        z.strictObject({ file: z.string(), mode: z.string().default("0644") }),
        z.strictObject({ link: z.string(), hard: z.boolean().default(false) }),
      ])
      .optional(),
    either: z
      .union([
        z.strictObject({ of: z.literal("a"), x: z.number().default(1) }),
        z.strictObject({ of: z.literal("b"), y: z.number().default(2) }),
      ])
      .optional(),
  });
  const none = { pair: {}, sorted: [] };

  test.each<[string, Properties, Properties]>([
    [
      "gives the items of a list their defaults",
      { list: [{ url: unknown }, { url: "b", weight: 2 }] },
      {
        list: [
          { url: unknown, weight: 1 },
          { url: "b", weight: 2 },
        ],
      },
    ],
    ["does not transform an incomplete list", { sorted: ["b", unknown, unknown, "a"] }, {}],
    [
      "finds the form of an alternative",
      { form: { link: unknown } },
      { form: { link: unknown, hard: false } },
    ],
    ["keeps an alternative whose form is not known", { either: { of: unknown } }, {}],
    ["does not apply a rule to unknown values", { pair: { user: unknown, password: "x" } }, {}],
  ])("%s", (_, given, expected) => {
    const { inputs, failures } = check(parts, given);
    expect({ inputs, failures }).toEqual({ inputs: { ...none, ...given, ...expected }, failures: [] });
  });

  test.each<[Properties, string, RegExp]>([
    [{ list: [{ url: unknown }] }, "list", /needs two/],
    [{ list: [{ url: unknown, weight: "1" }, { url: "b" }] }, "list[0].weight", /without quotes/],
    [{ list: [{ url: unknown }, { url: "b", wait: 1 }] }, "list[1]", /"wait" is not known/],
    [{ form: { lnk: unknown } }, "form", /none of the forms/],
    [{ sorted: [1, unknown] }, "sorted[0]", /must be a text/],
  ])("refuses %j", (given, property, reason) => {
    expect(check(parts, given).failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
  });
});

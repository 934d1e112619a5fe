import { expect, test } from "@jest/globals";
import { z } from "zod";
import { check } from "../../../resources/kernel/check.ts";

const schema = z.object({
  suites: z.array(z.string()).optional(),
  port: z.int().min(1).max(10).optional(),
  keep: z.boolean().optional(),
  signing: z.enum(["mirror", "upstream"]).optional(),
  serve: z.strictObject({ path: z.string(), serverNames: z.string().optional() }).optional(),
  named: z.record(z.string().regex(/^[a-z]+$/, "is not a name"), z.number()).optional(),
  own: z.string("is not what we call it").optional(),
});

test.each<[object, string, string]>([
  [{ port: "8" }, "port", "is a text: write the number without quotes"],
  [{ port: "eight" }, "port", "must be a number, and is a text"],
  [{ port: 1.5 }, "port", "must be a whole number, and is a number with a fraction"],
  [{ port: 0 }, "port", "is too small: the least is 1"],
  [{ port: 11 }, "port", "is too large: the most is 10"],
  [{ keep: "true" }, "keep", "is a text: write true or false without quotes"],
  [{ keep: "yes" }, "keep", "must be true or false, and is a text"],
  [
    { suites: "noble" },
    "suites",
    "must be a list, e.g. [one, two] or a line for each that begins with a hyphen, and is a text",
  ],
  [{ serve: [] }, "serve", "must be a group of settings, a line for each, and is a list"],
  [{ serve: {} }, "serve.path", "is missing: it must be a text"],
  [{ signing: "upstram" }, "signing", 'must be "mirror" or "upstream"'],
  [
    { serve: { path: "/", severNames: "a" } },
    "serve",
    '"severNames" is not known here: is serverNames meant?',
  ],
  [{ serve: { path: "/", zzz: 1 } }, "serve", '"zzz" is not known here; known are path, serverNames'],
  [{ named: { A1: 1 } }, "named.A1", "is not a name"],
  [{ own: 3 }, "own", "is not what we call it"],
])("%j is refused with a reason in plain words", (given, property, reason) => {
  expect(check(schema, given as never).failures).toEqual([{ property, reason }]);
});

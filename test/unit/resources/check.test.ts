import { expect, test } from "@jest/globals";
import { z } from "zod";
import { check, unknown } from "../../../resources/kernel/check.ts";

const schema = z.object({
  sizes: z.record(z.string().startsWith("/", "must be absolute"), z.number()).default({}),
  name: z.string().optional(),
});

test.each([undefined, unknown])("a check reports a wrong key of a record (another value: %s)", (name) => {
  const { failures } = check(schema, { sizes: { "a b": 1 }, ...(name ? { name } : {}) });
  expect(failures).toEqual([{ property: 'sizes["a b"]', reason: "must be absolute" }]);
});

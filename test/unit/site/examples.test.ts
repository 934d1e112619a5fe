import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { siteSchema } from "../../../site/site.ts";
import { schemaComment } from "../../../toolchain/docs/stack-schema.ts";

const folder = resolve(import.meta.dirname, "../../../examples");
const stacks = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

describe("the examples", () => {
  test("are all listed in their README, which lists no others", () => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    const rows = [...readme.matchAll(/^\| \[`([^`]+)`\]/gm)].map(([, name]) => name);
    expect(rows.sort()).toEqual(readdirSync(folder).filter((name) => name !== "README.md"));
  });

  test.each(stacks)("%s is a stack file that the site's schema accepts", (name) => {
    const text = readFileSync(join(folder, name), "utf8");
    expect(text.split("\n")[0]).toBe(schemaComment);
    const file = parse(text) as { config: Record<string, unknown> };
    expect(Object.keys(file)).toEqual(["config"]);
    const keys = Object.entries(file.config).map(([key, value]) => [
      key.replace(/^airgapped-maas:/, ""),
      value,
    ]);
    const result = siteSchema.safeParse(Object.fromEntries(keys));
    expect(result.error?.issues ?? []).toEqual([]);
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { hostScripts } from "../../../../toolchain/lint/host-scripts.ts";
import { shellTexts } from "../../../../toolchain/lint/shell-texts.ts";

const resources = join(import.meta.dirname, "../../../../resources");
const parts = readdirSync(resources, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".sh"),
);

test("each part of a script is in a complete script that lint checks", async () => {
  const scripts = [...(await hostScripts()).values()];
  const isMissing = (part: string) => {
    const text = readFileSync(join(resources, part), "utf8");
    return !scripts.some((script) => script.includes(text));
  };
  expect(parts.length).toBeGreaterThan(0);
  expect(parts.filter(isMissing)).toEqual([]);
});

test("a text with the sh tag is read with its line and with a sample word for each value", () => {
  const source =
    "const a = 1;\nrun(sh`cd ${a} || exit\necho ${b}`);\nconst c = sh`${a}`;\nconst d = other`rm ${a}`;\n";
  expect(shellTexts("a.ts", source)).toEqual([{ line: 2, text: "cd sample || exit\necho sample" }]);
});

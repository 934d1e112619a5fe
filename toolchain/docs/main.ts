import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { referenceFiles } from "./pages.ts";
import { stackSchema } from "./stack-schema.ts";

/* `make docs`: generates the reference and stack.schema.json from the schemas that check the arguments. */

const root = resolve(import.meta.dirname, "../..");
const { name } = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as { readonly name: string };
const reference = join(root, "docs/reference");

writeFileSync(join(root, "stack.schema.json"), `${JSON.stringify(stackSchema(name), null, 2)}\n`);
rmSync(reference, { recursive: true, force: true });
mkdirSync(reference);
for (const [file, text] of Object.entries(referenceFiles())) writeFileSync(join(reference, file), text);

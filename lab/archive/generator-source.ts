import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The text of all sources that make archives. Finished archives are reused while it is unchanged. */
export function generatorSource(): string {
  return readdirSync(import.meta.dirname)
    .sort()
    .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"))
    .join("");
}

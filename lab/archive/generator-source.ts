import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The text of all that makes archives: made ones are kept for as long as it stays the same. */
export function generatorSource(): string {
  return readdirSync(import.meta.dirname)
    .sort()
    .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"))
    .join("");
}

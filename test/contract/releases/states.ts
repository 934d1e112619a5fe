import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Stack } from "../../e2e/stack.ts";
import type { Properties } from "../provider-process.ts";

/** A resource in a state, with the fields that the tests read. */
export interface StoredResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Properties;
  readonly outputs?: Properties;
}

/** The releases whose states were recorded, the oldest first. */
export const releases: readonly string[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.replace(/\.json$/, ""))
  .sort((one, other) => one.localeCompare(other, "en", { numeric: true }));

/** The recorded state of a release, with its secrets encrypted. */
export const stateFile = (release: string): string => join(import.meta.dirname, `${release}.json`);

/** A state for a provider process: the CLI imports it and decrypts its secrets. */
export async function resourcesOf(release: string): Promise<StoredResource[]> {
  const stack = await Stack.create({ name: "release" });
  try {
    await importState(stack, release);
    const exported = await stack.ok(["stack", "export", "--show-secrets", "--stack", stack.name]);
    return JSON.parse(exported, decrypted).deployment.resources;
  } finally {
    stack.discard();
  }
}

/** Replaces the stack's state by that of the release. Its secrets have the passphrase of the tests. */
export async function importState(stack: Stack, release: string): Promise<void> {
  const state = JSON.parse(readFileSync(stateFile(release), "utf8"));
  const salt = `encryptionsalt: ${state.deployment.secrets_providers.state.salt}`;
  const settings = readFileSync(stack.configFile, "utf8").replace(/^encryptionsalt: .*$/m, salt);
  writeFileSync(stack.configFile, settings);
  await stack.ok(["stack", "import", "--stack", stack.name, "--file", stateFile(release)]);
}

/** A secret is `{ SIGNATURE: ..., plaintext: JSON }` in an export. */
function decrypted(_key: string, value: unknown): unknown {
  const { plaintext } = (value ?? {}) as { plaintext?: unknown };
  return typeof plaintext === "string" ? JSON.parse(plaintext) : value;
}

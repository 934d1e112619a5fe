import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { repository } from "../../../lab/paths.ts";
import { providerText } from "../../../resources/kernel/resource.ts";
import { importsOf } from "../../unit/architecture/imports.ts";
import { ProviderProcess } from "../provider-process.ts";
import { UnpackedRelease } from "./unpacked.ts";

/** Files that are loaded by their path: by the CLI, and by the text in the state. */
const entries = ["index.ts", "resources/provider.ts", "resources/kernel/engine/end-with-engine.ts"];
/** Files for people and their tools. */
const besides = ["docs", "examples"];
const single = [
  "CHANGELOG.md",
  "LICENSE",
  "Pulumi.yaml",
  "README.md",
  "SECURITY.md",
  "npm-shrinkwrap.json",
  "package.json",
  "stack.schema.json",
];

let release: UnpackedRelease;
beforeAll(() => {
  release = new UnpackedRelease();
});
afterAll(() => release?.discard());

/**
 * All files of the project that the entries import, directly or indirectly. Imports of types count, because
 * editors read them.
 */
function reached(): string[] {
  const found = new Set(entries);
  for (const path of found) {
    for (const { to } of importsOf(path, readFileSync(join(repository, path), "utf8"))) {
      if (to.endsWith(".ts")) found.add(to);
    }
  }
  return [...found];
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(join(repository, path)).isFile());
}

describe("the package", () => {
  test("has every folder that the product imports from, with scripts and keys, and nothing else", () => {
    const product = new Set(reached().map((path) => path.split("/")[0] as string));
    product.delete("index.ts");
    expect(product.size).toBeGreaterThan(5);
    const expected = [...single, "index.ts", ...[...product, ...besides].flatMap(filesBelow)].sort();
    expect(release.files).toEqual(expected);
    expect(release.files.filter((path) => /\.(sh|perl|asc)$/.test(path)).length).toBeGreaterThan(10);
  });

  test("pins every dependency to the same version as this checkout", () => {
    const pinned = readFileSync(join(release.project, "npm-shrinkwrap.json"), "utf8");
    expect(pinned).toBe(readFileSync(join(repository, "package-lock.json"), "utf8"));
  });
});

describe("the unpacked package", () => {
  const modules = reached().filter((path) => path !== "index.ts");

  function inNode(...argv: string[]): string {
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
      cwd: release.project,
      encoding: "utf8",
      input: "",
    });
    if (status !== 0) throw new Error(`node ended with ${status}:\n${stderr}`);
    return stdout;
  }

  test("loads every module", () => {
    const loads = modules.map((path) => `await import(${JSON.stringify(join(release.project, path))});`);
    const text = `${loads.join("\n")}\nprocess.stdout.write("all loaded");`;
    expect(inNode("--input-type=module", "--eval", text)).toBe("all loaded");
  });

  test("builds the same scripts for hosts as this checkout", () => {
    const program = join(import.meta.dirname, "host-scripts.ts");
    const scripts = JSON.parse(inNode(program, release.project));
    expect(scripts).toEqual(JSON.parse(inNode(program, repository)));
    expect(Math.min(...(Object.values(scripts) as number[]))).toBeGreaterThan(500);
  });

  test("starts the provider's process, which serves the resources of a stack", async () => {
    const provider = await ProviderProcess.start(release.project, release.project);
    try {
      await provider.configure();
      const { failures } = await provider.check({ host: 5, __provider: providerText("Files") });
      expect(failures.map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/^host /));
    } finally {
      await provider.close();
    }
  });
});

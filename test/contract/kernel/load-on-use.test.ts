import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { repository } from "../../../lab/paths.ts";

const { runtime } = parse(readFileSync(join(repository, "Pulumi.yaml"), "utf8"));
const nodeArguments: string[] = runtime.options.nodeargs.split(" ");

/** The JSON output of a program, in a process like that of a Pulumi program. */
function inProgram(text: string, argv = nodeArguments, cwd = repository): unknown {
  const program = `
    const { isProxy } = require("node:util").types;
    const pulumi = require("@pulumi/pulumi");
    const loaded = (name) => {
      const module = require.cache[require.resolve(name)];
      return module === undefined || isProxy(module.exports) ? "no" : "yes";
    };
    const main = async () => { ${text} };
    main().then((result) => process.stdout.write(JSON.stringify(result)));
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...argv, "-e", program], {
    cwd,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`node ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout);
}

const state = `[loaded("typescript"), loaded("@npmcli/arborist")]`;
const serialized = `(await pulumi.runtime.serializeFunction((name) => "hello " + name)).text`;

describe("a program", () => {
  test("starts without the modules that serialize functions", () => {
    expect(inProgram(`return ${state}`)).toEqual(["no", "no"]);
    expect(inProgram(`return ${state}`, [])).toEqual(["yes", "yes"]);
  });

  test("starts without these modules from any directory of the project", () => {
    expect(inProgram(`return ${state}`, nodeArguments, join(repository, "test/e2e"))).toEqual(["no", "no"]);
  });

  test("does not load the module that rewrites stack traces", () => {
    const text = `
      const { createRequire } = require("node:module");
      createRequire(require.resolve("@pulumi/pulumi/cmd/run"))("source-map-support/register");
      return Object.keys(require.cache).some((path) => path.endsWith("/source-map-support.js"));
    `;
    expect(inProgram(text)).toBe(false);
    expect(inProgram(text, [])).toBe(true);
  });

  test("serializes a function as the SDK does, and loads TypeScript for it", () => {
    const [text, ...after] = inProgram(`return [${serialized}, ...${state}]`) as string[];
    expect(text).toBe(inProgram(`return ${serialized}`, []));
    expect(text).toContain("hello ");
    expect(after[0]).toBe("yes");
  });

  test("gets the complete module with each way to load it", () => {
    const ways = `
      const name = "typescript";
      const { default: imported, SyntaxKind } = await import(name);
      const required = require(name);
      return [imported.version, required.version, SyntaxKind.Identifier === required.SyntaxKind.Identifier,
        Object.keys(required).length, "version" in required, typeof require("@npmcli/arborist").Arborist];
    `;
    expect(inProgram(ways)).toEqual(inProgram(ways, []));
  });
});

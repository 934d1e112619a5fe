import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { providerText } from "../../../resources/kernel/resource.ts";
import { handler } from "../../../resources/provider.ts";
import { ProviderProcess } from "../provider-process.ts";

/**
 * The text in the state of existing stacks, by kind. A line may be added, but never changed or removed: without the code
 * that it names, a stack cannot be read or destroyed.
 */
const stored: Record<string, string> = {
  AptTree: 'exports.handler=()=>require("./resources/provider.ts").handler("AptTree")',
  CustomImageTree: 'exports.handler=()=>require("./resources/provider.ts").handler("CustomImageTree")',
  Files: 'exports.handler=()=>require("./resources/provider.ts").handler("Files")',
  ImageTree: 'exports.handler=()=>require("./resources/provider.ts").handler("ImageTree")',
  MaasArchive: 'exports.handler=()=>require("./resources/provider.ts").handler("MaasArchive")',
  MaasBootSources: 'exports.handler=()=>require("./resources/provider.ts").handler("MaasBootSources")',
  MaasImage: 'exports.handler=()=>require("./resources/provider.ts").handler("MaasImage")',
  MaasSettings: 'exports.handler=()=>require("./resources/provider.ts").handler("MaasSettings")',
  Packages: 'exports.handler=()=>require("./resources/provider.ts").handler("Packages")',
  Services: 'exports.handler=()=>require("./resources/provider.ts").handler("Services")',
  SigningKey: 'exports.handler=()=>require("./resources/provider.ts").handler("SigningKey")',
  Sysctl: 'exports.handler=()=>require("./resources/provider.ts").handler("Sysctl")',
};

const project = join(import.meta.dirname, "../../..");

let provider: ProviderProcess;
beforeAll(async () => {
  provider = await ProviderProcess.start(project);
  await provider.configure();
});
afterAll(() => provider.close());

describe("the code text in the state", () => {
  test.each(Object.entries(stored))("serves %s as it was first stored", async (kind, text) => {
    expect(providerText(kind)).toBe(text);
    const { inputs, failures } = await provider.check({ host: 5, __provider: text });
    expect(inputs.__provider).toBe(text);
    expect(failures.map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/^host /));
  });

  test("is listed here for every kind that this release serves", () => {
    const directory = join(project, "resources");
    const named = readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => [...readFileSync(join(directory, file), "utf8").matchAll(/^ {2}kind: "(\w+)"/gm)])
      .map(([, kind]) => String(kind));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(isServed).sort()).toEqual(Object.keys(stored).sort());
  });

  test("for a kind of another release is refused, and the error names the remedy", async () => {
    const stranger = stored.Files?.replace("Files", "Stranger");
    const call = provider.check({ __provider: stranger });
    await expect(call).rejects.toThrow('no resource of the kind "Stranger"');
    await expect(call).rejects.toThrow("What to do: Use the release that last updated this stack");
  });
});

function isServed(kind: string): boolean {
  try {
    return handler(kind) !== undefined;
  } catch {
    return false;
  }
}

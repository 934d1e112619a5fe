import { describe, expect, test } from "@jest/globals";
import type { FetchOptions, Host } from "../../../../hosts/host.ts";
import type { MaasInputs } from "../../../../resources/maas/region/connection.ts";
import { regionOf } from "../../../../resources/maas/region/region.ts";

const key = `${"a".repeat(18)}:${"b".repeat(18)}:${"c".repeat(32)}`;
let hosts = 0;

interface Region {
  readonly version?: string;
  readonly isAdministrator?: boolean;
  /** The output of `maas apikey`. */
  readonly keys?: string;
}

/** A region host that answers through its tunnel, and all requests to it. */
function regionHost({ version = "3.6.5", isAdministrator = true, keys = `${key}\n` }: Region = {}) {
  const scripts: string[] = [];
  const fetched: (FetchOptions & { url: string })[] = [];
  const warnings: string[] = [];
  const answers = { keys };
  const host = {
    name: `region-${hosts++}`,
    run: async (script: string) => {
      scripts.push(script);
      return { code: 0, stdout: answers.keys, stderr: "" };
    },
    fetch: async (url: string, options: FetchOptions) => {
      fetched.push({ ...options, url });
      const answer = url.endsWith("/version/")
        ? { version, subversion: "" }
        : { username: "admin", is_superuser: isAdministrator };
      return {
        status: 200,
        headers: { "content-type": "application/json" },
        body: Buffer.from(JSON.stringify(answer)),
        url,
      };
    },
  } as unknown as Host;
  const open = (maas: Partial<MaasInputs["maas"]> = {}, apiKey?: string) =>
    regionOf(
      host,
      {
        maas: { url: "http://localhost:5240/MAAS", user: "admin", direct: false, ...maas },
        ...(apiKey ? { apiKey } : {}),
      },
      (line) => warnings.push(line),
    );
  return { open, scripts, fetched, warnings, answers };
}

describe("a region", () => {
  test("is opened once for all resources: key, version and user are read once", async () => {
    const { open, scripts, fetched, warnings } = regionHost();
    const regions = await Promise.all([open(), open(), open()]);
    await open();
    expect(new Set(regions).size).toBe(1);
    expect(scripts).toEqual([expect.stringContaining("apikey --username admin")]);
    expect(fetched.map(({ url }) => url)).toEqual([
      "http://localhost:5240/MAAS/api/2.0/version/",
      "http://localhost:5240/MAAS/api/2.0/users/?op=whoami",
    ]);
    expect(fetched[0]).toMatchObject({ method: "GET", redirects: "refuse" });
    expect(fetched[0]?.headers?.authorization).toContain(`oauth_signature="%26${"c".repeat(32)}"`);
    expect(warnings).toEqual([]);
  });

  test("is used with a declared key and a declared CA, and no key is read from the host", async () => {
    const { open, scripts, fetched } = regionHost();
    await open({ ca: "PEM", url: "https://maas.dc1.example:5443/MAAS" }, key);
    expect(scripts).toEqual([]);
    expect(fetched[0]).toMatchObject({
      ca: "PEM",
      url: "https://maas.dc1.example:5443/MAAS/api/2.0/version/",
    });
  });

  test.each(["3.3.10", "2.9.2"])("of version %s is refused", async (version) => {
    const opened = regionHost({ version }).open();
    await expect(opened).rejects.toThrow(`it is ${version}\n  What to do: Upgrade MAAS to 3.4`);
  });

  test.each([
    ["3.4.9", 0],
    ["3.8.0~beta6", 0],
    ["3.9.0", 1],
    ["4.0.0", 1],
  ])("of version %s is used, with %i warnings", async (version, count) => {
    const { open, warnings } = regionHost({ version });
    await open();
    expect(warnings).toHaveLength(count);
  });

  test("is refused when its user is not an administrator", async () => {
    const opened = regionHost({ isAdministrator: false }).open();
    await expect(opened).rejects.toThrow(/its user admin is not an administrator[\s\S]*maas.user/);
  });

  test("that could not be opened is opened again by the next resource", async () => {
    const { open, answers } = regionHost({ keys: "" });
    await expect(open()).rejects.toThrow(/has no API key/);
    answers.keys = key;
    await expect(open()).resolves.toMatchObject({ version: { text: "3.6.5" } });
  });

  test("gets the name of a user as a quoted word in the shell command", async () => {
    const { open, scripts } = regionHost();
    await open({ user: "it's $(me)" });
    expect(scripts[0]).toContain(`apikey --username 'it'\\''s $(me)'`);
  });
});

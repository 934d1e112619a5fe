import { describe, expect, test } from "@jest/globals";
import type { MaasReader } from "../../../../maas/client.ts";
import type { PackageRepository } from "../../../../maas/operations/package-repositories.ts";
import { check } from "../../../../resources/kernel/check.ts";
import type { Json } from "../../../../resources/kernel/definition.ts";
import { defaultArchive } from "../../../../resources/maas/archive/default-archives.ts";
import { maasArchive } from "../../../../resources/maas/archive.ts";
import { declaredForm, maasForm, settingNames } from "../../../../resources/maas/region/setting-values.ts";
import { maasSettings } from "../../../../resources/maas/settings.ts";

const key = `${"a".repeat(18)}:${"b".repeat(18)}:${"c".repeat(32)}`;

function reasons(given: Record<string, Json>) {
  const { failures } = check(maasSettings.inputs, { host: "maas", settings: {}, ...given });
  return failures.map(({ property, reason }) => `${property} ${reason}`);
}

describe("the connection", () => {
  test("uses by default the MAAS on the region host, with the user admin", () => {
    const { inputs } = check(maasSettings.inputs, { host: "maas", settings: {} });
    expect(inputs.maas).toEqual({ url: "http://localhost:5240/MAAS", user: "admin", direct: false });
  });

  test("is the same for each form of the URL", () => {
    for (const url of [
      "http://m.dc1:5240/MAAS",
      "http://m.dc1:5240/MAAS/",
      "http://m.dc1:5240/MAAS/api/2.0/",
    ]) {
      const { inputs } = check(maasSettings.inputs, { host: "maas", settings: {}, maas: { url } });
      expect(inputs.maas).toMatchObject({ url: "http://m.dc1:5240/MAAS" });
    }
  });

  test.each<[Record<string, Json>, RegExp]>([
    [{ maas: { url: "m.dc1" } }, /^maas.url is not a URL of MAAS/],
    [{ maas: { url: "http://me:secret@m.dc1/MAAS" } }, /^maas.url is not a URL of MAAS.*without a user/],
    [{ maas: { url: "http://m.dc1/MAAS", direct: true } }, /^maas.url must be https with direct/],
    [{ maas: { user: "x; rm" } }, /^maas.user /],
    [{ maas: { ca: "/etc/ca.pem" } }, /^maas.ca is not a certificate/],
    [{ apiKey: `${key}:x` }, /^apiKey is not an API key/],
  ])("with %j is refused", (given, message) => {
    expect(reasons(given).join("\n")).toMatch(message);
    expect(reasons(given).join("\n")).not.toMatch(/bbbb|secret/);
  });
});

describe("a setting", () => {
  test.each([
    ["http_proxy", null, ""],
    ["http_proxy", " http://a.b/ ", "http://a.b/"],
    ["upstream_dns", null, []],
    ["upstream_dns", "", []],
    ["upstream_dns", "10.0.0.53, 10.0.0.54", ["10.0.0.53", "10.0.0.54"]],
    ["ntp_servers", "a.b  c.d", ["a.b", "c.d"]],
    ["boot_images_no_proxy", null, false],
    ["enable_analytics", true, true],
    ["dnssec_validation", "auto", "auto"],
  ] as const)("%s, which MAAS returns as %j, is read as %j", (name, given, value) => {
    expect(declaredForm(name, given)).toEqual(value);
  });

  test("is sent in the form that MAAS accepts", () => {
    expect([maasForm(["10.0.0.53", "10.0.0.54"]), maasForm([]), maasForm(false), maasForm("no")]).toEqual([
      "10.0.0.53 10.0.0.54",
      "",
      false,
      "no",
    ]);
  });

  test("that names images is set after all others, and the system before its release", () => {
    expect(settingNames.slice(-3)).toEqual([
      "commissioning_distro_series",
      "default_osystem",
      "default_distro_series",
    ]);
  });
});

describe("a default archive", () => {
  const main = {
    id: 1,
    name: "main_archive",
    url: "http://archive.ubuntu.com/ubuntu",
    arches: ["amd64", "i386"],
  };
  const ports = {
    id: 2,
    name: "ports_archive",
    url: "http://ports.ubuntu.com/ubuntu-ports",
    arches: ["arm64"],
  };
  const renamed = { ...main, name: "company mirror" };
  const second = { id: 7, name: "main_archive", url: "http://new.dc1.example/ubuntu", arches: ["amd64"] };

  async function find(all: object[], inUse = main.url, known?: number) {
    let asked = 0;
    const reader: MaasReader = {
      get: async () => {
        asked++;
        return inUse;
      },
    };
    const found = await defaultArchive(reader, all as PackageRepository[], "main_archive", known).catch(
      (error: Error) => error.message,
    );
    return [typeof found === "string" ? found : found.id, asked];
  }

  test("is found by its name or its number, without another request", async () => {
    expect(await find([main, ports])).toEqual([1, 0]);
    expect(await find([renamed, ports], main.url, 1)).toEqual([1, 0]);
  });

  test("that was renamed is found by the URL in use", async () => {
    expect(await find([renamed, ports])).toEqual([1, 1]);
    expect(
      await find([{ ...renamed, url: "http://m.dc1.example/" }, ports], "http://m.dc1.example/"),
    ).toEqual([1, 1]);
  });

  test("is the archive in use when a second one was made after a rename", async () => {
    expect(await find([renamed, ports, second], second.url)).toEqual([7, 1]);
    expect(await find([renamed, ports, second], renamed.url)).toEqual([1, 1]);
  });

  test("is refused when it cannot be identified", async () => {
    const [message] = await find([
      { ...renamed, id: 5 },
      { ...renamed, id: 6, name: "other" },
    ]);
    expect(message).toMatch(/renamed, and 2 have the URL in use.*\n.*Rename the correct one to main_archive/);
    expect((await find([renamed], "http://elsewhere.example/"))[0]).toMatch(/none has the URL in use/);
  });
});

describe("repositories", () => {
  const checkArchive = (given: Record<string, Json>) => check(maasArchive.inputs, { host: "maas", ...given });

  test("get MAAS's defaults, and lists without an order are sorted", () => {
    const url = "http://m.dc1.example/ubuntu";
    const { inputs, failures } = checkArchive({
      archives: { main_archive: { url, disabledPockets: ["updates", "backports"] } },
      repositories: {
        own: {
          url,
          key: "\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----\n",
        },
      },
    });
    expect(failures).toEqual([]);
    expect(inputs.archives).toEqual({
      main_archive: {
        url,
        key: "",
        disabledPockets: ["backports", "updates"],
        disabledComponents: [],
        disableSources: true,
      },
    });
    expect(inputs.repositories).toMatchObject({
      own: {
        key: expect.stringMatching(/^-----BEGIN[\s\S]*-----$/),
        arches: ["amd64", "i386"],
        enabled: true,
      },
    });
  });

  test("cannot have the name of a default archive", () => {
    const { failures } = checkArchive({ repositories: { main_archive: { url: "http://m.dc1.example/" } } });
    expect(failures.map(({ reason }) => reason).join()).toMatch(/a default archive of MAAS/);
  });
});

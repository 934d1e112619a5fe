import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { disabledBy, maasArchiveSchema, misfit } from "../../../components/maas/archive-args.ts";
import {
  airgappedProfile,
  effectiveSettings,
  maasSettingsSchema,
} from "../../../components/maas/settings-args.ts";
import { pathText } from "../../../errors/wrong-input.ts";
import { settingNames } from "../../../resources/maas/region/setting-values.ts";

interface Result {
  readonly error?: { readonly issues: readonly { readonly path: PropertyKey[]; readonly message: string }[] };
}

function issues({ error }: Result): string[] {
  return (error?.issues ?? []).map(({ path, message }) => `${pathText(path)}: ${message}`);
}

describe("MaasSettings", () => {
  test("sets the values of the profile, and declared values override them", () => {
    const checked = maasSettingsSchema.parse({
      profile: "airgapped",
      settings: { enable_analytics: true, upstream_dns: [" 10.0.0.53 "] },
    });
    expect(effectiveSettings(checked)).toEqual({
      enable_http_proxy: false,
      boot_images_no_proxy: true,
      dnssec_validation: "no",
      ntp_external_only: false,
      release_notifications: false,
      enable_analytics: true,
      boot_images_auto_import: false,
      enable_third_party_drivers: false,
      upstream_dns: ["10.0.0.53"],
    });
  });

  test("has a profile without values of one data centre, and with a reason for each value", () => {
    for (const name of ["http_proxy", "upstream_dns", "ntp_servers", "commissioning_distro_series"]) {
      expect(settingNames).toContain(name);
      expect(airgappedProfile).not.toHaveProperty(name);
    }
    for (const [name, { why }] of Object.entries(airgappedProfile)) {
      expect(settingNames).toContain(name);
      expect(why.length).toBeGreaterThan(20);
    }
  });

  test("has the profile that docs/maas-settings.md shows", () => {
    const rows = readFileSync(join(import.meta.dirname, "../../../docs/maas-settings.md"), "utf8").split(
      "\n",
    );
    for (const [name, { value }] of Object.entries(airgappedProfile)) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\``));
      expect(row?.split("|")[2]?.trim()).toBe(`\`${value}\``);
    }
  });

  test.each<[object, RegExp]>([
    [{}, /declares nothing/],
    [{ profile: "offline" }, /^profile: is not a profile/],
    [{ settings: { http_proxi: "" } }, /http_proxi/],
    [{ settings: { dnssec_validation: false } }, /^settings.dnssec_validation/],
    [{ settings: { upstream_dns: ["dns.dc1.example"] } }, /^settings.upstream_dns\[0\]: is not an address/],
    [{ settings: { ntp_servers: ["bad_host"] } }, /^settings.ntp_servers\[0\]: .*underscores/],
    [{ settings: { http_proxy: "http://squid:3128" } }, /^settings.http_proxy: /],
    [
      { settings: { http_proxy: "http://u:pw@squid.dc1:3128" } },
      /^settings.http_proxy: contains credentials/,
    ],
    [{ settings: { http_proxy: "squid.dc1.example:3128" } }, /^settings.http_proxy: /],
    [
      { settings: { default_distro_series: "24.04 LTS" } },
      /^settings.default_distro_series: .*noble \(not 24.04\)/,
    ],
    [
      { profile: "airgapped", settings: { http_proxy: "http://squid.dc1.example:3128" } },
      /^settings.enable_http_proxy: must be true for http_proxy/,
    ],
    [{ settings: { ntp_external_only: true, ntp_servers: [] } }, /^settings.ntp_servers: are needed/],
  ])("refuses %j", (given, message) => {
    expect(issues(maasSettingsSchema.safeParse(given)).join("\n")).toMatch(message);
  });
});

describe("MaasArchive", () => {
  const mirror = {
    suites: [
      "jammy",
      "jammy-security",
      "jammy-updates",
      "noble",
      "noble-backports",
      "noble-security",
      "noble-updates",
    ],
    components: ["main", "universe"],
    architectures: ["amd64"],
  };

  test("disables pockets that a release of the mirror lacks, and components that the mirror lacks", () => {
    expect(disabledBy(mirror)).toEqual({
      disabledPockets: ["backports"],
      disabledComponents: ["restricted", "multiverse"],
    });
    expect(disabledBy({ ...mirror, suites: ["noble"] }).disabledPockets).toEqual([
      "updates",
      "security",
      "backports",
    ]);
  });

  test("reports why a mirror cannot be the main archive or the ports archive", () => {
    expect(misfit("mainArchive", mirror)).toBeUndefined();
    expect(misfit("portsArchive", mirror)).toBe(
      "is for armhf, arm64, ppc64el, s390x, and the mirror holds amd64",
    );
    expect(misfit("mainArchive", { ...mirror, components: ["universe"] })).toMatch(/main, which/);
  });

  const url = "http://mirror.dc1.example/ubuntu";
  const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc=\n-----END PGP PUBLIC KEY BLOCK-----\n";

  test.each<[object, RegExp]>([
    [{}, /declares nothing/],
    [{ mainArchive: {} }, /^mainArchive: needs a mirror or a url/],
    [
      { mainArchive: { mirror: "ubuntu", url } },
      /^mainArchive: needs a mirror or a url, and one of them only/,
    ],
    [
      { mainArchive: { mirror: "ubuntu", key } },
      /^mainArchive.key: does not go with a mirror.*upstream's signature/,
    ],
    [{ mainArchive: { url: "http://mirror/ubuntu" } }, /^mainArchive.url: names a host without a dot/],
    [{ mainArchive: { url: "http://my_mirror.dc1/ubuntu" } }, /^mainArchive.url: has an underscore/],
    [{ mainArchive: { url: "http://mirror.dc1:9/" } }, /^mainArchive.url: names a port of one digit/],
    [{ mainArchive: { url: "file:///srv/mirror" } }, /^mainArchive.url: is not a URL/],
    [{ mainArchive: { url: `${url}/${"x".repeat(200)}` } }, /^mainArchive.url: has 2\d\d characters/],
    [{ mainArchive: { url, key: "ABCDEF" } }, /^mainArchive.key: is not an armored/],
    [{ mainArchive: { url, components: ["main"] } }, /components/],
    [
      { mainArchive: { url, disabledPockets: ["proposed"] } },
      /^mainArchive.disabledPockets\[0\]: .*updates, security/,
    ],
    [{ repositories: { own: { url, disabledComponents: ["universe"] } } }, /disabledComponents/],
    [{ repositories: { own: { url, distributions: ["./"] } } }, /distributions\[0\]: .*flat repositories/],
    [{ repositories: { own: { url, arches: ["x86_64"] } } }, /arches\[0\]: is not an architecture/],
  ])("refuses %j", (given, message) => {
    expect(issues(maasArchiveSchema.safeParse(given)).join("\n")).toMatch(message);
  });

  test("accepts an archive by mirror, an archive by URL with a key, and a repository by URL", () => {
    const given = {
      mainArchive: { mirror: "ubuntu" },
      portsArchive: { url: "http://10.0.0.5:8080/ports/", key },
      repositories: { own: { url: "ppa:me/ppa", distributions: ["noble"], components: ["main"] } },
    };
    expect(maasArchiveSchema.parse(given)).toMatchObject({ ...given, portsArchive: { key: key.trim() } });
  });
});

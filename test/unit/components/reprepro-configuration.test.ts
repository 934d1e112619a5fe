import { expect, test } from "@jest/globals";
import { reproConfiguration } from "../../../components/reprepro-configuration.ts";

const settings = {
  directory: "/srv/m",
  suites: [
    {
      name: "noble-updates",
      header: {
        Suite: "noble-updates",
        Codename: "noble",
        Origin: "Ubuntu",
        Label: "Ubuntu",
        Version: "24.04",
      },
      local: false,
    },
  ],
  components: ["main", "universe"],
  architectures: ["amd64"],
  sources: false,
  installer: false,
  selections: ["noble-updates/main/amd64"],
  completePhases: true,
  upstreamFingerprints: ["F6ECB3762474EDA9D21B7022871920D1991BC93C"],
  fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567",
};

test("a suite keeps upstream's origin, label and version, and takes what is selected from each index", () => {
  const { distributions, updates } = reproConfiguration(settings);
  expect(distributions).toMatchInlineSnapshot(`
"# Written by airgapped-maas; changes made here are undone by the next update.
Codename: noble-updates
Suite: noble-updates
Origin: Ubuntu
Label: Ubuntu
Version: 24.04
Architectures: amd64
Components: main universe
DebIndices: Packages Release . .gz .xz
Update: - noble-updates:main:amd64
"
`);
  expect(updates).toMatchInlineSnapshot(`
"# Written by airgapped-maas; changes made here are undone by the next update.
Name: noble-updates:main:amd64
Method: file:/srv/m/reprepro/view
Suite: noble-updates
VerifyRelease: 871920D1991BC93C+
DownloadListsAs: .xz .gz .bz2 .
Components: main
UDebComponents: none
Architectures: amd64
FilterList: deinstall /srv/m/reprepro/selection/noble-updates/main/amd64
ListShellHook: sed '/^Phased-Update-Percentage:/d'
"
`);
});

test("an index from which nothing is selected has no rule, and what was in it goes", () => {
  const { distributions, updates } = reproConfiguration({ ...settings, selections: [] });
  expect(distributions).toContain("Update: -\n");
  expect(updates).not.toContain("Name:");
});

test("sources, the installer and the site's own packages each come by a rule of their own", () => {
  const { distributions, updates } = reproConfiguration({
    ...settings,
    sources: true,
    installer: true,
    suites: settings.suites.map((suite) => ({ ...suite, local: true })),
  });
  expect(distributions).toContain(
    "Update: - noble-updates:main:amd64 noble-updates:sources noble-updates:installer noble-updates:local\n",
  );
  expect(distributions).toContain("Architectures: amd64 source\n");
  expect(updates).toContain(
    "FilterSrcList: deinstall /srv/m/reprepro/selection/noble-updates/source/source\n",
  );
  expect(updates).toContain("VerifyRelease: 89ABCDEF01234567+\n");
});

test("phases stay as upstream has them when asked for", () => {
  expect(reproConfiguration(settings).updates).toContain("ListShellHook:");
  expect(reproConfiguration({ ...settings, completePhases: false }).updates).not.toContain("ListShellHook:");
});

test("suites and components with slashes have rules and lists of their own, whatever they are joined to", () => {
  const { updates } = reproConfiguration({
    ...settings,
    suites: ["noble", "noble-main", "noble/main"].map((name) => ({ name, header: {}, local: false })),
    selections: ["noble/main-x/amd64", "noble-main/x/amd64", "noble/main:x/amd64", "noble:main/x/amd64"],
    sources: true,
  });
  const values = (field: string) =>
    [...updates.matchAll(new RegExp(`^${field}: (.*)$`, "gm"))].map(([, value]) => value);
  const [names, lists] = [values("Name"), [...values("FilterList"), ...values("FilterSrcList")]];
  expect([names.length, new Set(names).size, new Set(lists).size]).toEqual([7, 7, 7]);
  expect(updates).toContain("Name: noble/main:x:amd64\n");
  expect(updates).toContain("Suite: noble/main\n");
});

import { expect, test } from "@jest/globals";
import { reproConfiguration } from "../../../../../resources/mirror/apt/reprepro-configuration.ts";

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
    },
  ],
  components: ["main", "universe"],
  architectures: ["amd64"],
  sources: false,
  installer: false,
};

test("a suite keeps upstream's origin, label and version, and is updated from the job's directory", () => {
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
DebIndices: Packages Release . .gz
Update: noble-updates
"
`);
  expect(updates).toMatchInlineSnapshot(`
"# Written by airgapped-maas; changes made here are undone by the next update.
Name: noble-updates
Method: file:/srv/m/work/reprepro/view
Suite: noble-updates
Components: main universe
UDebComponents: none
Architectures: amd64
VerifyRelease: the-key-of-this-mirror
DownloadListsAs: .
"
`);
});

test("sources and the installer are included when they are declared", () => {
  const { distributions, updates } = reproConfiguration({ ...settings, sources: true, installer: true });
  for (const file of [distributions, updates]) {
    expect(file).toContain("Architectures: amd64 source\n");
    expect(file).toContain("UDebComponents: main universe\n");
  }
  expect(distributions).toContain("UDebIndices: Packages . .gz\n");
  expect(distributions).toContain("DscIndices: Sources Release . .gz\n");
});

import { expect, test } from "@jest/globals";
import { explainApt } from "../../../../resources/host/packages/explain-apt.ts";

// Output of apt 2.6.1 and dpkg 1.21.22 of Debian 12.
test.each<[string, string, RegExp, RegExp]>([
  ["an unknown package", "E: Unable to locate package nosuch", /no package nosuch/, /Correct its name/],
  [
    "a package without a candidate",
    "E: Package 'lab-abstract' has no installation candidate",
    /no package lab-abstract/,
    /Correct its name/,
  ],
  [
    "a version that is not available",
    "E: Version '3.0' for 'lab-tool' was not found\navailable lab-tool 1.0 2.0 ",
    /lab-tool is available as 1.0, 2.0, not/,
    /one of these versions/,
  ],
  [
    "a held package",
    `The following held packages will be changed:
  lab-tool
The following packages will be DOWNGRADED:
  lab-tool
0 upgraded, 0 newly installed, 1 downgraded, 0 to remove and 0 not upgraded.
E: Held packages were changed and -y was used without --allow-change-held-packages.`,
    /lab-tool is held/,
    /unhold/,
  ],
  [
    "a removal",
    `The following packages will be REMOVED:
  lab-tool
  lab-other
The following NEW packages will be installed:
  lab-rival
0 upgraded, 1 newly installed, 1 to remove and 0 not upgraded.
E: Packages need to be removed but remove is disabled.`,
    /would remove lab-tool lab-other/,
    /Remove these manually/,
  ],
  [
    "a dependency that is missing",
    `The following packages have unmet dependencies:
 lab-unmet : Depends: lab-nowhere but it is not installable
E: Unable to correct problems, you have held broken packages.`,
    /lab-unmet : Depends: lab-nowhere but it is not installable/,
    /Add a source/,
  ],
  [
    "a lock of apt",
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4242 (unattended-upgr)",
    /process 4242 \(unattended-upgr\)/,
    /Let it finish/,
  ],
  [
    "a lock of dpkg",
    "dpkg: error: dpkg frontend lock was locked by another process with pid 99",
    /process 99 on the host/,
    /Let it finish/,
  ],
  [
    "no space for downloads",
    "E: You don't have enough free space in /var/cache/apt/archives/.",
    /no space left in \/var\/cache\/apt\/archives\//,
    /Free space/,
  ],
  [
    "no space for files",
    "dpkg: error processing archive /var/cache/apt/archives/x.deb (--unpack):\n failed to write (No space left on device)",
    /no space left on the host's disk/,
    /continues where it stopped/,
  ],
  [
    "an unreachable source, before the missing package",
    "Err:1 http://10.77.0.10 bookworm InRelease\n  Could not connect to 10.77.0.10:80 (10.77.0.10). - connect (113: No route to host)\nE: Unable to locate package tree",
    /cannot be reached: Could not connect to 10.77.0.10:80/,
    /apt-get update/,
  ],
  [
    "a script that fails",
    `Setting up lab-broken (1.0) ...
the script says no
dpkg: error processing package lab-broken (--configure):
 installed lab-broken package post-installation script subprocess returned error exit status 1
Errors were encountered while processing:
 lab-broken
E: Sub-process /usr/bin/dpkg returned an error code (1)`,
    /lab-broken cannot be configured: [\s\S]*the script says no/,
    /term\.log/,
  ],
  ["a virtual package", "missing lab-abstract", /another package provides it/, /real package/],
  ["any other error", "E: Something new\nE: and worse", /E: Something new\nE: and worse/, /what apt reports/],
])("the output of apt is explained: %s", (_, output, found, remedy) => {
  const { explanation } = explainApt(output.split("\n"), "installing");
  expect(explanation.found).toMatch(found);
  expect(explanation.remedy).toMatch(remedy);
});

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { locked } from "../lock.ts";
import { sharedPaths } from "../paths.ts";
import { readDeb } from "./deb.ts";
import { closureOf } from "./downloads.ts";
import { generatorSource } from "./generator-source.ts";
import { earlyYesterday } from "./launchpad-date.ts";
import { archiveKey } from "./openpgp-key.ts";
import { type PublishedDeb, publish, type Suite } from "./publish.ts";

const suite: Suite = {
  name: "bookworm",
  origin: "Debian",
  label: "Debian",
  codename: "bookworm",
  version: "12",
  description: "Packages of Debian 12 for the hosts of the lab",
  components: ["main"],
  architectures: ["amd64"],
};

/** The packages that hosts can install, without their dependencies: see target-packages.txt. */
function wanted(): string[] {
  return readFileSync(join(import.meta.dirname, "..", "target-packages.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** The apt source of the Debian archive on `upstream`, for the lab's hosts. */
export function debianSource(): string {
  return `Types: deb
URIs: http://archive.lab/debian
Suites: ${suite.name}
Components: main
Signed-By: /etc/apt/keyrings/lab-debian.asc
`;
}

/** Makes the Debian archive for the lab's hosts, once for each list of packages. Returns its directory. */
export async function debianArchive(): Promise<string> {
  const debs = await closureOf(wanted());
  const digest = createHash("sha256")
    .update([generatorSource(), (await archiveKey("debian")).fingerprint, ...debs.sort()].join("\n"))
    .digest("hex")
    .slice(0, 12);
  const target = join(sharedPaths.cache, "debian", digest);
  if (existsSync(target)) return target;
  mkdirSync(join(sharedPaths.cache, "debian"), { recursive: true });
  return await locked(`${target}.lock`, async () => {
    if (existsSync(target)) return target;
    const published: PublishedDeb[] = await Promise.all(
      debs.map(async (file) => ({
        suite: suite.name,
        component: "main",
        facts: await readDeb(file),
        file,
      })),
    );
    rmSync(`${target}.making`, { recursive: true, force: true });
    const date = earlyYesterday();
    await publish(
      { suites: [suite], debs: published, sources: [], key: await archiveKey("debian"), date },
      `${target}.making`,
    );
    renameSync(`${target}.making`, target);
    return target;
  });
}

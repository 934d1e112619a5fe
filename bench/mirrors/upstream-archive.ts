import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DebFacts, readDeb } from "../../lab/archive/deb.ts";
import { type ArchiveKey, archiveKey } from "../../lab/archive/openpgp-key.ts";
import { type PublishedDeb, poolPath, publish } from "../../lab/archive/publish.ts";
import { command } from "../../lab/command.ts";
import type { Lab } from "../../lab/lab.ts";
import { say } from "../measurement.ts";
import { benchCache } from "../other-tools.ts";

export const packageCount = 2000;
const payloadBytes = 100_000;
/** The number of the package that changes. */
const changing = 1000;

/** The only suite. It has the component `main` and the architecture `amd64`. */
export const suiteName = "noble";

/** The suites and components of an archive for the architecture `amd64`. */
export interface Layout {
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

interface Deb {
  readonly file: string;
  readonly facts: DebFacts;
}

/** A real archive of 2,000 packages of 100 kB that the lab's `upstream` serves as `/bench`. */
export interface UpstreamArchive {
  readonly key: ArchiveKey;
  /** Bytes of all packages. */
  readonly bytes: number;
  /** Bytes of the package that another edition changes. */
  readonly changedBytes: number;
  /** Paths of the published packages below the archive, with their sha256. */
  readonly packages: readonly { readonly path: string; readonly sha256: string }[];
}

/** Publishes the archive. In another edition one package has another version. */
export async function publishArchive(lab: Lab, edition: number): Promise<UpstreamArchive> {
  const key = await archiveKey("ubuntu");
  const debs = [...(await originals())];
  if (edition > 0) debs[changing] = await deb(changing, `${edition + 1}.0`);
  const published = debs.map(({ file, facts }) => ({ suite: suiteName, component: "main", facts, file }));
  await publishEdition(lab, "bench", edition, { suites: [suiteName], components: ["main"] }, published);
  return {
    key,
    bytes: debs.reduce((sum, { facts }) => sum + facts.size, 0),
    changedBytes: debs[changing]?.facts.size ?? 0,
    packages: published.map((each) => ({ path: poolPath(each), sha256: each.facts.sha256 })),
  };
}

/** Publishes an edition of an archive as the lab's `/CALLED`. */
export async function publishEdition(
  lab: Lab,
  called: string,
  edition: number,
  { suites, components }: Layout,
  debs: readonly PublishedDeb[],
): Promise<void> {
  const name = `${called}-${edition}`;
  await publish(
    {
      suites: suites.map((suite) => ({
        name: suite,
        origin: "Bench",
        label: "Bench",
        codename: suite,
        version: "1",
        description: "An archive for measurements",
        components,
        architectures: ["amd64"],
      })),
      debs,
      sources: [],
      key: await archiveKey("ubuntu"),
      // Editions are dated one minute apart, the newest now, because no edition may be older than the
      // previous one.
      date: new Date(Date.now() - 3_600_000 + edition * 60_000),
    },
    join(lab.paths.archive, name),
  );
  const link = join(lab.paths.archive, called);
  symlinkSync(name, `${link}.new`);
  renameSync(`${link}.new`, link);
}

/** The packages of the first edition, made once and kept. */
async function originals(): Promise<readonly Deb[]> {
  const list = join(benchCache, "debs", "facts.json");
  if (existsSync(list)) return JSON.parse(readFileSync(list, "utf8"));
  say(`making ${packageCount} packages`);
  const debs: Deb[] = [];
  const numbers = Array.from({ length: packageCount }, (_, index) => index).values();
  const worker = async () => {
    for (const number of numbers) debs[number] = await deb(number, "1.0");
  };
  await Promise.all([worker(), worker(), worker()]);
  writeFileSync(list, JSON.stringify(debs));
  return debs;
}

/** Builds a package of random bytes, which cannot be compressed. */
async function deb(number: number, version: string): Promise<Deb> {
  const name = `bench-${String(number).padStart(4, "0")}`;
  const work = mkdtempSync(join(tmpdir(), "bench-deb-"));
  try {
    mkdirSync(join(work, "DEBIAN"));
    mkdirSync(join(work, "usr/share/bench"), { recursive: true });
    writeFileSync(join(work, "usr/share/bench", name), randomBytes(payloadBytes));
    writeFileSync(
      join(work, "DEBIAN/control"),
      `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: Bench <bench@archive.lab>\nSection: misc\nPriority: optional\nDescription: Random bytes, number ${number}\n Made to measure with.\n`,
    );
    const file = join(benchCache, "debs", `${name}_${version}_amd64.deb`);
    mkdirSync(join(benchCache, "debs"), { recursive: true });
    await command(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", work, file]);
    return { file, facts: await readDeb(file) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

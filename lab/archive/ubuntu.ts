import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ExplainedError } from "../../errors/explained-error.ts";
import { command } from "../command.ts";
import { locked } from "../lock.ts";
import type { LabPaths } from "../paths.ts";
import { sharedPaths } from "../paths.ts";
import { nextStamp, prunePublications, replaceFile, switchLink } from "../publications.ts";
import { type DebFacts, readDeb, rebuildDeb } from "./deb.ts";
import { debianArchive } from "./debian.ts";
import { debsOf, sourcesOf } from "./downloads.ts";
import { generatorSource } from "./generator-source.ts";
import { earlyYesterday } from "./launchpad-date.ts";
import { archiveKey } from "./openpgp-key.ts";
import { type Publication, publish, releaseFiles, type Suite, suitesIn } from "./publish.ts";

/** The suites of the lab's Ubuntu archive. */
export type UbuntuSuite = "noble" | "noble-updates" | "noble-security";

const suites: readonly Suite[] = (["noble", "noble-updates", "noble-security"] as const).map((name) => ({
  name,
  origin: "Ubuntu",
  label: "Ubuntu",
  codename: "noble",
  version: "24.04",
  description: "Ubuntu Noble 24.04",
  components: ["main", "universe"],
  architectures: ["amd64", "arm64"],
}));

/**
 * Debian packages that are published as Ubuntu's. Those of `bothArchitectures` are published for arm64 too.
 */
const seed = {
  main: {
    bothArchitectures: ["hello", "jq", "libjq1", "libonig5", "bc", "dc", "time", "ed", "attr", "libattr1"],
    amd64: ["acl", "libacl1", "less", "patch", "psmisc", "lsof", "file", "libmagic1", "libmagic-mgc", "zip"],
    all: ["python3-six", "python3-idna", "netbase"],
  },
  universe: {
    bothArchitectures: ["tree", "sl", "pv", "dos2unix"],
    amd64: [
      "figlet",
      "moreutils",
      "libncurses6",
      "libtinfo6",
      "rename",
      "unrar-free",
      "xxhash",
      "libxxhash0",
    ],
    all: ["cowsay", "libtext-charwidth-perl"],
  },
} as const;

const seedSources = { main: ["hello", "bc"], universe: ["tree"] } as const;

/**
 * All data that is needed to publish the archive again. Paths of files are relative to the archive's
 * directory.
 */
interface Catalogue {
  readonly debs: readonly CataloguedDeb[];
  readonly sources: readonly { suite: string; component: string; dsc: string }[];
  /** Of the newest good publication. */
  readonly serial: number;
  /** Its date, in milliseconds. */
  readonly date: number;
}

interface CataloguedDeb {
  readonly suite: UbuntuSuite;
  readonly component: string;
  readonly facts: DebFacts;
  readonly file: string;
  readonly phased?: number | undefined;
}

/** Copies the first archives to the directory that a lab's `upstream` serves. */
export async function prepareArchives(paths: LabPaths): Promise<void> {
  const [pristine, debian] = await Promise.all([pristineArchive(), debianArchive()]);
  rmSync(paths.archive, { recursive: true, force: true });
  await command(["cp", "--archive", "--link", pristine, paths.archive]);
  await command(["cp", "--archive", "--link", debian, join(paths.archive, "debian")]);
}

/** The archive as first published, made once. */
async function pristineArchive(): Promise<string> {
  const key = await archiveKey("ubuntu");
  const digest = createHash("sha256")
    .update(JSON.stringify([key.fingerprint, generatorSource()]))
    .digest("hex")
    .slice(0, 12);
  const target = join(sharedPaths.cache, "ubuntu", digest);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  return await locked(`${target}.lock`, async () => {
    if (existsSync(target)) return target;
    const making = `${target}.making`;
    rmSync(making, { recursive: true, force: true });
    mkdirSync(join(making, "store"), { recursive: true });
    const debs = [...(await seedDebs(making, "main")), ...(await seedDebs(making, "universe"))];
    const sources = [...(await seedSource(making, "main")), ...(await seedSource(making, "universe"))];
    let catalogue: Catalogue = { debs, sources, serial: 0, date: earlyYesterday().getTime() };
    // A real archive has some updates already, and some of them are phased.
    for (const [suite, source, suffix, phased] of [
      ["noble-updates", "tree", "ubuntu1", undefined],
      ["noble-updates", "bc", "ubuntu1", 50],
      ["noble-security", "jq", "ubuntu0.1", undefined],
    ] as const) {
      const version = debs.find(({ facts }) => facts.source === source)?.facts.version;
      catalogue = await withRelease(making, catalogue, {
        package: source,
        version: `${version}${suffix}`,
        suite,
        phased,
      });
    }
    await publishCatalogue(making, catalogue, undefined);
    renameSync(making, target);
    return target;
  });
}

async function seedDebs(directory: string, component: "main" | "universe"): Promise<CataloguedDeb[]> {
  const { bothArchitectures, amd64, all } = seed[component];
  const files = await debsOf([
    ...all,
    ...amd64.map((name) => `${name}:amd64`),
    ...bothArchitectures.flatMap((name) => [`${name}:amd64`, `${name}:arm64`]),
  ]);
  return await Promise.all(
    files.map(async (from) => {
      const file = join("store", basename(from));
      await command(["cp", "--link", from, join(directory, file)]);
      return { suite: "noble", component, facts: await readDeb(from), file } as const;
    }),
  );
}

async function seedSource(directory: string, component: "main" | "universe") {
  const files = await sourcesOf(seedSources[component]);
  mkdirSync(join(directory, "store", "source"), { recursive: true });
  await command(["cp", "--link", ...files, join(directory, "store", "source")]);
  return files
    .filter((file) => file.endsWith(".dsc"))
    .map((file) => ({ suite: "noble", component, dsc: join("store", "source", basename(file)) }));
}

/** A release: all binary packages of the same source as `package`, rebuilt with a new version. */
export interface Release {
  readonly package: string;
  readonly version: string;
  /** Default: noble-updates. */
  readonly suite?: UbuntuSuite | undefined;
  /** Percentage of machines that install it already. Default: all machines, without this field. */
  readonly phased?: number | undefined;
}

async function withRelease(directory: string, catalogue: Catalogue, release: Release): Promise<Catalogue> {
  const suite = release.suite ?? "noble-updates";
  const known = catalogue.debs.find(({ facts }) => facts.package === release.package);
  if (known === undefined) throw unknownPackage(release.package, catalogue);
  const originals = catalogue.debs.filter(
    ({ facts, suite: where }) => facts.source === known.facts.source && where === "noble",
  );
  const siblings = originals.map(({ facts }) => facts.package);
  const made = await Promise.all(
    originals.map(async (original): Promise<CataloguedDeb> => {
      const file = await rebuildDeb(
        join(directory, original.file),
        original.facts.version,
        release.version,
        siblings,
        join(directory, "store"),
      );
      return {
        suite,
        component: original.component,
        facts: await readDeb(file),
        file: join("store", basename(file)),
        phased: release.phased,
      };
    }),
  );
  const rest = catalogue.debs.filter((deb) => deb.suite !== suite || deb.facts.source !== known.facts.source);
  return { ...catalogue, debs: [...rest, ...made] };
}

function unknownPackage(name: string, catalogue: Catalogue): ExplainedError {
  const names = [...new Set(catalogue.debs.map(({ facts }) => facts.package))].sort();
  return new ExplainedError({
    step: "changing the lab's archive",
    found: `no package is called ${name}`,
    remedy: `Use one of: ${names.join(" ")}.`,
  });
}

/** Publishes a new version of all packages of a source. The older version is removed from the suite. */
export async function releaseVersion(paths: LabPaths, release: Release): Promise<void> {
  await changeArchive(paths, [release.suite ?? "noble-updates"], (catalogue) =>
    withRelease(paths.archive, catalogue, release),
  );
}

/** Removes a package, and the other packages of its source, from a suite. */
export async function withdrawPackage(
  paths: LabPaths,
  name: string,
  suite: UbuntuSuite = "noble-updates",
): Promise<void> {
  await changeArchive(paths, [suite], async (catalogue) => {
    const source = catalogue.debs.find(({ facts, suite: where }) => facts.package === name && where === suite)
      ?.facts.source;
    if (source === undefined) throw unknownPackage(`${name} in ${suite}`, catalogue);
    const debs = catalogue.debs.filter((deb) => deb.suite !== suite || deb.facts.source !== source);
    return { ...catalogue, debs };
  });
}

/** Publishes the first content of the archive again, with a later serial. */
export async function publishPristine(paths: LabPaths): Promise<void> {
  const pristine = readCatalogue(await pristineArchive());
  await changeArchive(paths, undefined, async () => pristine);
}

async function changeArchive(
  paths: LabPaths,
  changed: readonly UbuntuSuite[] | undefined,
  change: (catalogue: Catalogue) => Promise<Catalogue>,
): Promise<void> {
  await locked(join(paths.directory, "archive.lock"), async () => {
    const before = readCatalogue(paths.archive);
    const next = await change(before);
    // A release is at least one second later than the previous one, because its Date has a resolution of one
    // second.
    const now = Date.now() - (Date.now() % 1000);
    await publishCatalogue(
      paths.archive,
      { ...next, serial: before.serial + 1, date: Math.max(now, before.date + 1000) },
      changed,
    );
    prunePublications(join(paths.archive, "publications"), before.serial + 1);
  });
}

async function publishCatalogue(
  archive: string,
  catalogue: Catalogue,
  changed: readonly string[] | undefined,
): Promise<void> {
  const target = publicationDirectory(archive, catalogue.serial);
  const publication: Publication = {
    suites,
    debs: catalogue.debs.map((deb) => ({ ...deb, file: join(archive, deb.file) })),
    sources: catalogue.sources.map((source) => ({ ...source, dsc: join(archive, source.dsc) })),
    key: await archiveKey("ubuntu"),
    date: new Date(catalogue.date),
    previous: catalogue.serial === 0 ? undefined : publicationDirectory(archive, catalogue.serial - 1),
    changed,
  };
  rmSync(target, { recursive: true, force: true });
  await publish(publication, target);
  stampSuites(archive, target, changed ?? suites.map(({ name }) => name));
  replaceFile(join(archive, "catalogue.json"), JSON.stringify(catalogue));
  servePublication(archive, String(catalogue.serial));
}

function publicationDirectory(archive: string, serial: number): string {
  return join(archive, "publications", String(serial));
}

/** Serves this publication as `/ubuntu` of `upstream`, by an atomic switch. */
export function servePublication(archive: string, publication: string): void {
  switchLink(join(archive, "ubuntu"), join("publications", publication));
}

/** Serves the newest good publication again. */
export function serveNewest(archive: string): void {
  const { serial, directory } = newestPublication(archive);
  stampSuites(archive, directory, suitesIn(directory));
  servePublication(archive, String(serial));
}

/**
 * Sets the modification time of some suites' Release files to a time that no earlier file of the archive has.
 */
export function stampSuites(archive: string, publication: string, names: readonly string[]): void {
  const stamp = nextStamp(join(archive, "stamp"));
  for (const name of names) {
    for (const file of releaseFiles) {
      const path = join(publication, "dists", name, file);
      if (existsSync(path)) utimesSync(path, stamp, stamp);
    }
  }
}

/** The newest good publication: its number, its directory, and the directories of the others by number. */
export function newestPublication(archive: string): { serial: number; directory: string } {
  const { serial } = readCatalogue(archive);
  return { serial, directory: publicationDirectory(archive, serial) };
}

/** The newest version of each package in a suite, for tests: `{ hello: "2.10-3" }`. */
export function versionsIn(
  paths: LabPaths,
  suite: UbuntuSuite,
  architecture = "amd64",
): Record<string, string> {
  const debs = readCatalogue(paths.archive).debs.filter(
    (deb) => deb.suite === suite && [architecture, "all"].includes(deb.facts.architecture),
  );
  return Object.fromEntries(debs.map(({ facts }) => [facts.package, facts.version]));
}

function readCatalogue(archive: string): Catalogue {
  return JSON.parse(readFileSync(join(archive, "catalogue.json"), "utf8")) as Catalogue;
}

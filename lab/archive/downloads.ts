import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { locked } from "../lock.ts";
import { type DownloadingApt, downloadingApt } from "../machine-apt.ts";
import { sharedPaths } from "../paths.ts";

const directory = join(sharedPaths.cache, "apt");

/**
 * The .deb files of some packages with their dependency closure for amd64. This machine's apt downloads them once;
 * later calls with the same list return the same files.
 */
export async function closureOf(packages: readonly string[]): Promise<string[]> {
  return await fetched(`closure ${[...packages].sort().join(" ")}`, async (apt) => {
    await apt.run(["apt-get", "-q", "-y", "clean"]);
    await apt.run(["apt-get", "-q", "-y", "--download-only", "install", ...packages]);
    const target = join(directory, "debs");
    mkdirSync(target, { recursive: true });
    const names = readdirSync(apt.archives).filter((name) => name.endsWith(".deb"));
    await apt.run(["mv", "-t", target, ...names]);
    return names.map((name) => join("debs", name));
  });
}

/** The .deb files of exactly these packages, in apt's notation: `tree`, `tree:arm64`. */
export async function debsOf(packages: readonly string[]): Promise<string[]> {
  const key = `packages ${[...packages].sort().join(" ")}`;
  return await fetched(key, (apt) =>
    into(key, (target) => apt.run(["apt-get", "-q", "download", ...packages], target)),
  );
}

/** The files of source packages: .dsc, tarballs. */
export async function sourcesOf(packages: readonly string[]): Promise<string[]> {
  const key = `sources ${[...packages].sort().join(" ")}`;
  return await fetched(key, (apt) =>
    into(key, (target) => apt.run(["apt-get", "-q", "--download-only", "source", ...packages], target)),
  );
}

/** Downloads into a separate empty directory. Returns the files, relative to the cache. */
async function into(key: string, download: (target: string) => Promise<unknown>): Promise<string[]> {
  const name = createHash("sha256").update(key).digest("hex").slice(0, 12);
  const target = join(directory, name);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  await download(target);
  return readdirSync(target).map((file) => join(name, file));
}

/** Records the files of a download. Downloads again only if a file is missing. */
async function fetched(key: string, fetch: (apt: DownloadingApt) => Promise<string[]>): Promise<string[]> {
  mkdirSync(directory, { recursive: true });
  return await locked(join(directory, "lock"), async () => {
    const memory = join(directory, "fetched.json");
    const known: Record<string, string[]> = existsSync(memory)
      ? JSON.parse(readFileSync(memory, "utf8"))
      : {};
    let files = known[key];
    if (files === undefined || files.some((file) => !existsSync(join(directory, file)))) {
      files = await fetch(await downloadingApt(directory));
      writeFileSync(memory, JSON.stringify({ ...known, [key]: files }, null, 1));
    }
    return files.map((file) => join(directory, file));
  });
}

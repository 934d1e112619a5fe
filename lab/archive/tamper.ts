import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ExplainedError } from "../../errors/explained-error.ts";
import { command } from "../command.ts";
import { replaceFile } from "../publications.ts";
import { digestsOf } from "./deb.ts";
import { launchpadDate } from "./launchpad-date.ts";
import { archiveKey } from "./openpgp-key.ts";
import { writeRelease } from "./publish.ts";
import { newestPublication, servePublication, stampSuites, type UbuntuSuite } from "./ubuntu.ts";

/** The ways to damage the archive's files. Each is a separate publication, made from the newest good one. */
export const tamperings = [
  "flipped-deb",
  "missing-deb",
  "flipped-index",
  "flipped-by-hash",
  "truncated-index",
  "missing-index",
  "wrong-signature",
  "broken-signature",
  "unsigned",
  "expired",
  "rolled-back",
] as const;
export type Tampering = (typeof tamperings)[number];

/**
 * Serves the newest publication with one damage. Returns the damaged path below `/ubuntu`. A release, a withdrawal or
 * a restore serves a good publication again.
 */
export async function tamperWith(
  archive: string,
  kind: Tampering,
  suite: UbuntuSuite,
  packageName?: string,
): Promise<string> {
  const { serial, directory: good } = newestPublication(archive);
  const name = `tampered-${process.hrtime.bigint()}`;
  const bad = join(archive, "publications", name);
  for (const old of readdirSync(join(archive, "publications"))) {
    if (old.startsWith("tampered-")) rmSync(join(archive, "publications", old), { recursive: true });
  }
  await command(["cp", "--archive", "--link", good, bad]);
  const dists = join("dists", suite);
  const hit = await damage({ kind, archive, bad, dists, serial, suite, packageName });
  stampSuites(archive, bad, [suite]);
  servePublication(archive, name);
  return hit;
}

interface Damage {
  readonly kind: Tampering;
  readonly archive: string;
  readonly bad: string;
  readonly dists: string;
  readonly serial: number;
  readonly suite: UbuntuSuite;
  readonly packageName: string | undefined;
}

async function damage({ kind, archive, bad, dists, serial, suite, packageName }: Damage): Promise<string> {
  const index = join(dists, "main", "binary-amd64", "Packages");
  switch (kind) {
    case "flipped-deb":
    case "missing-deb": {
      const deb = await debIn(bad, dists, packageName);
      if (kind === "missing-deb") rmSync(join(bad, deb));
      else change(join(bad, deb), flipped);
      return deb;
    }
    case "flipped-index":
      eachForm(bad, index, flipped);
      return index;
    case "truncated-index":
      eachForm(bad, index, (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2)));
      return index;
    case "missing-index":
      eachForm(bad, index, undefined);
      return index;
    case "flipped-by-hash":
      return byHashOf(bad, index).map((path) => {
        change(join(bad, path), flipped);
        return path;
      })[0] as string;
    case "wrong-signature":
      await resign(bad, dists, (text) => text, "stranger");
      return join(dists, "InRelease");
    case "broken-signature":
      // The file differs from the signed digest.
      for (const file of ["InRelease", "Release"]) {
        change(join(bad, dists, file), (bytes) =>
          Buffer.from(bytes.toString("utf8").replace("Version: 24.04", "Version: 24.40")),
        );
      }
      return join(dists, "InRelease");
    case "unsigned":
      copyFileSync(join(bad, dists, "Release"), join(bad, dists, "Unsigned"));
      rmSync(join(bad, dists, "InRelease"));
      rmSync(join(bad, dists, "Release.gpg"));
      renameSync(join(bad, dists, "Unsigned"), join(bad, dists, "InRelease"));
      return join(dists, "InRelease");
    case "expired": {
      const yesterday = launchpadDate(new Date(Date.now() - 86_400_000));
      await resign(
        bad,
        dists,
        (text) => text.replace(/^(Date: .*)$/m, `$1\nValid-Until: ${yesterday}`),
        "ubuntu",
      );
      return join(dists, "InRelease");
    }
    case "rolled-back": {
      if (serial === 0) {
        throw new ExplainedError({
          step: "rolling back the lab's archive",
          found: "nothing was published since the first publication",
          remedy: "Release or withdraw a package first.",
        });
      }
      rmSync(join(bad, dists), { recursive: true });
      await command([
        "cp",
        "--archive",
        "--link",
        join(archive, "publications", "0", dists),
        join(bad, "dists"),
      ]);
      await command([
        "cp",
        "--archive",
        "--link",
        "--no-clobber",
        join(archive, "publications", "0", "pool"),
        bad,
      ]);
      return join("dists", suite, "InRelease");
    }
  }
}

async function debIn(bad: string, dists: string, packageName: string | undefined): Promise<string> {
  const text = readdirSync(join(bad, dists))
    .filter((component) => ["main", "universe"].includes(component))
    .map((component) => join(bad, dists, component, "binary-amd64", "Packages.xz"));
  const stanzas = (await command(["xz", "--decompress", "--stdout", ...text])).split("\n\n");
  const stanza = stanzas.find((each) =>
    packageName === undefined ? each !== "" : each.startsWith(`Package: ${packageName}\n`),
  );
  const path = /^Filename: (.*)$/m.exec(stanza ?? "")?.[1];
  if (path !== undefined) return path;
  throw new ExplainedError({
    step: "choosing a .deb file to damage",
    found: `${packageName ?? "any package"} is not in ${dists}`,
    remedy: "Release the package in this suite first.",
  });
}

/** Damages or removes an index in each form that a client may request, by name and by hash. */
function eachForm(bad: string, index: string, damaged: ((bytes: Buffer) => Buffer) | undefined): void {
  const paths = [...byHashOf(bad, index), ...[".gz", ".xz"].map((form) => index + form)];
  for (const path of paths) {
    if (damaged === undefined) rmSync(join(bad, path));
    else change(join(bad, path), damaged);
  }
}

function byHashOf(bad: string, index: string): string[] {
  return [".gz", ".xz"].flatMap((form) => {
    const { md5, sha1, sha256 } = digestsOf(readFileSync(join(bad, index + form)));
    const folder = join(index, "..", "by-hash");
    return [join(folder, "SHA256", sha256), join(folder, "SHA1", sha1), join(folder, "MD5Sum", md5)];
  });
}

function flipped(bytes: Buffer): Buffer {
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0x10;
  return bytes;
}

function change(file: string, damaged: (bytes: Buffer) => Buffer): void {
  replaceFile(file, damaged(readFileSync(file)));
}

async function resign(
  bad: string,
  dists: string,
  edit: (text: string) => string,
  key: "ubuntu" | "stranger",
): Promise<void> {
  const directory = join(bad, dists);
  const text = edit(readFileSync(join(directory, "Release"), "utf8"));
  for (const file of ["Release", "InRelease", "Release.gpg"]) rmSync(join(directory, file));
  await writeRelease(directory, text, await archiveKey(key));
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../command.ts";
import { contentBytes } from "./file-content.ts";

/**
 * Writes a file that represents an image built by a site, e.g. with packer-maas: a root file system as `.tar.gz` that
 * names its operating system but cannot boot. The same release gives the same bytes.
 */
export async function writeCustomImage(path: string, release: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "lab-custom-image-"));
  try {
    mkdirSync(join(root, "etc"));
    mkdirSync(join(root, "usr"));
    writeFileSync(join(root, "etc", "os-release"), `ID=rocky\nVERSION_ID="${release}"\n`);
    writeFileSync(
      join(root, "usr", "filling"),
      contentBytes({ seed: `custom image ${release}`, size: 6_000_000 }),
    );
    await command([
      "tar",
      "--create",
      `--file=${path}`,
      "--use-compress-program=gzip -n1",
      "--sort=name",
      "--mtime=@1790000000",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      `--directory=${root}`,
      ".",
    ]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Only root may mount. */
export const mayMount = process.getuid?.() === 0;

/** A file system of its own that has limits, until it is let go of. */
export class SmallFileSystem {
  readonly #home = mkdtempSync(join(tmpdir(), "small-file-system-"));
  readonly directory = join(this.#home, "mounted");

  constructor() {
    mkdirSync(this.directory);
  }

  /** In memory, with so many bytes and inodes at most. */
  static tmpfs(options: { readonly size: string; readonly inodes?: number }): SmallFileSystem {
    const made = new SmallFileSystem();
    const limits = [`size=${options.size}`, ...(options.inodes ? [`nr_inodes=${options.inodes}`] : [])];
    execFileSync("mount", ["-t", "tmpfs", "-o", limits.join(","), "tmpfs", made.directory]);
    return made;
  }

  /** As hosts have it, where a file has 65,000 links at most. */
  static ext4(size: string): SmallFileSystem {
    const made = new SmallFileSystem();
    const image = join(made.#home, "image");
    execFileSync("truncate", ["-s", size, image]);
    execFileSync("mkfs.ext4", ["-q", image], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    execFileSync("mount", ["-o", "loop", image, made.directory]);
    return made;
  }

  /** With other limits, e.g. `size=8m` or `ro`. */
  remount(options: string): void {
    execFileSync("mount", ["-o", `remount,${options}`, this.directory]);
  }

  release(): void {
    execFileSync("umount", [this.directory]);
    rmSync(this.#home, { recursive: true });
  }
}

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Only root may mount. */
export const mayMount = process.getuid?.() === 0;

/** A separate file system with limits, until it is released. */
export class SmallFileSystem {
  readonly #home = mkdtempSync(join(tmpdir(), "small-file-system-"));
  readonly directory = join(this.#home, "mounted");

  constructor() {
    mkdirSync(this.directory);
  }

  /** In memory, with a maximum of bytes and inodes. */
  static tmpfs(options: { readonly size: string; readonly inodes?: number }): SmallFileSystem {
    const made = new SmallFileSystem();
    const limits = [`size=${options.size}`, ...(options.inodes ? [`nr_inodes=${options.inodes}`] : [])];
    execFileSync("mount", ["-t", "tmpfs", "-o", limits.join(","), "tmpfs", made.directory]);
    return made;
  }

  /** ext4, as hosts have it, with at most 65,000 links to a file. */
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

  /** Mounts it again with other limits, e.g. `size=8m` or `ro`. */
  remount(options: string): void {
    execFileSync("mount", ["-o", `remount,${options}`, this.directory]);
  }

  release(): void {
    execFileSync("umount", [this.directory]);
    rmSync(this.#home, { recursive: true });
  }
}

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { repository } from "../../../lab/paths.ts";

/** What a checkout has besides what is in git. */
const notInGit = [".cache", ".git", ".lab", ".pulumi", "node_modules"];

/** The release that `npm pack` makes of this checkout, unpacked in a folder of its own, with its dependencies. */
export class UnpackedRelease {
  /** The project of whoever uses the release: `Pulumi.yaml` is in it. */
  readonly project: string;
  /** Paths of all files in the package, sorted. */
  readonly files: readonly string[];
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "airgapped-maas-release-"));
    const checkout = join(this.#folder, "checkout");
    // npm runs scripts that write beside package.json: not in the checkout that other tests read.
    cpSync(repository, checkout, { recursive: true, filter: (path) => !notInGit.includes(basename(path)) });
    const npm = ["pack", "--json", "--pack-destination", this.#folder, "--cache", join(this.#folder, "npm")];
    const answer = execFileSync("npm", npm, {
      cwd: checkout,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [packed] = JSON.parse(answer) as [{ filename: string; files: { path: string }[] }];
    this.files = packed.files.map(({ path }) => path).sort();
    execFileSync("tar", ["-xzf", join(this.#folder, packed.filename), "-C", this.#folder]);
    this.project = join(this.#folder, "package");
    symlinkSync(join(repository, "node_modules"), join(this.project, "node_modules"));
  }

  /** A file that its user puts into the project. */
  add(from: string, to: string): void {
    mkdirSync(join(this.project, to, ".."), { recursive: true });
    cpSync(from, join(this.project, to));
  }

  discard(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

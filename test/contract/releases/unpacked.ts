import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { repository } from "../../../lab/paths.ts";

/** Files of a checkout that are not in git. */
const notInGit = [".cache", ".git", ".lab", ".pulumi", "node_modules"];

/** The package that `npm pack` makes of this checkout, unpacked in a temporary folder, with its dependencies. */
export class UnpackedRelease {
  /** The project of a user: the folder with `Pulumi.yaml`. */
  readonly project: string;
  /** Paths of all files in the package, sorted. */
  readonly files: readonly string[];
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "airgapped-maas-release-"));
    const checkout = join(this.#folder, "checkout");
    // npm runs scripts that write files beside package.json. Other tests read the checkout at the same time.
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

  /** Copies a file of the user into the project. */
  add(from: string, to: string): void {
    mkdirSync(join(this.project, to, ".."), { recursive: true });
    cpSync(from, join(this.project, to));
  }

  /** Copies a program of the user over the program of the project. */
  runProgram(name: string, text: string): void {
    const settings = join(this.project, "Pulumi.yaml");
    writeFileSync(join(this.project, name), text);
    writeFileSync(settings, readFileSync(settings, "utf8").replace(/^main: .*$/m, `main: ${name}`));
  }

  discard(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { command, tryCommand } from "../lab/command.ts";
import { repository } from "../lab/paths.ts";
import { say } from "./measurement.ts";

/** Where a bench keeps what is worth keeping between runs. */
export const benchCache = join(repository, ".cache", "bench");

/** The pyinfra program, in a Python environment of its own. */
export const pyinfra = join(benchCache, "venv", "bin", "pyinfra");

/** Installs those of the machine's packages that are missing. */
export async function machineHas(...packages: string[]): Promise<void> {
  const { stdout } = await tryCommand([
    "dpkg-query",
    "-W",
    "-f",
    "${Package} ${db:Status-Status}\n",
    ...packages,
  ]);
  const missing = packages.filter((name) => !stdout.split("\n").includes(`${name} installed`));
  if (missing.length === 0) return;
  say(`installing ${missing.join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await command(["apt-get", "-q", "update"], { env });
  await command(["apt-get", "-q", "-y", "--no-install-recommends", "install", ...missing], { env });
}

/** Installs pyinfra from PyPI where it is not there yet. */
export async function hasPyinfra(): Promise<void> {
  if (existsSync(pyinfra)) return;
  say("installing pyinfra");
  await machineHas("python3-venv");
  mkdirSync(benchCache, { recursive: true });
  const venv = join(benchCache, "venv");
  await command(["/usr/bin/python3", "-m", "venv", "--clear", venv]);
  await command([
    join(venv, "bin", "pip"),
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "pyinfra>=3,<4",
  ]);
}

/** A program's version as it says it itself, asked by `argument`: the first number with dots in what it prints. */
export async function versionOf(program: string, argument = "--version"): Promise<string> {
  const { stdout } = await tryCommand([program, argument]);
  return /\d+\.\d+(\.\d+)*/.exec(stdout)?.[0] ?? "?";
}

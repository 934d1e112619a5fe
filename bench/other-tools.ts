import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { command, tryCommand } from "../lab/command.ts";
import { repository } from "../lab/paths.ts";
import { say } from "./measurement.ts";

/** The directory of files that are kept between runs. */
export const benchCache = join(repository, ".cache", "bench");

/** The pyinfra program, in a separate Python environment. */
export const pyinfra = join(benchCache, "venv", "bin", "pyinfra");

/** Installs missing packages on this machine. */
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

/** Installs pyinfra from PyPI if it is missing. */
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

/** A program's version: the first number with dots in the output of `PROGRAM ARGUMENT`. */
export async function versionOf(program: string, argument = "--version"): Promise<string> {
  const { stdout } = await tryCommand([program, argument]);
  return /\d+\.\d+(\.\d+)*/.exec(stdout)?.[0] ?? "?";
}

import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { ExplainedError } from "../errors/explained-error.ts";
import { type Network, workstationAddress } from "./hosts.ts";
import type { LabPaths } from "./paths.ts";

/** Claims of all labs of this machine, of whatever repository: a symbolic link `<pair>` to the lab that has it. */
const claims = "/run/airgapped-maas-lab";

/**
 * Takes a pair of subnets of 10.77.0.0/16 that no other lab of this machine has: pair 3 is 10.77.6.0/24 and
 * 10.77.7.0/24. Making a symbolic link is atomic, so two labs never get the same. A lab that is there already
 * gets what it had.
 */
export function claimSubnets(paths: LabPaths): number {
  mkdirSync(claims, { recursive: true });
  const mine = claimed(paths);
  if (mine !== undefined) return mine;
  for (let pair = 0; pair < 128; pair++) {
    const link = join(claims, String(pair));
    // A lab whose directory somebody deleted while it ran still has its address.
    const workstation = addressIn(pair, "outside", workstationAddress);
    if (Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === workstation)))
      continue;
    try {
      const owner = readlinkSync(link);
      if (existsSync(owner)) continue;
      rmSync(link);
    } catch {
      // Nobody has it.
    }
    try {
      symlinkSync(paths.directory, link);
      return pair;
    } catch {
      // Another lab was faster.
    }
  }
  throw new ExplainedError({
    step: `choosing subnets for the lab ${paths.name}`,
    found: "all 128 pairs of 10.77.0.0/16 are taken",
    remedy: `Take labs down that are no longer needed; ${claims} says whose they are.`,
  });
}

/** The pair that a lab has, or undefined. */
export function claimed(paths: LabPaths): number | undefined {
  if (!existsSync(claims)) return undefined;
  const link = readdirSync(claims).find((name) => {
    try {
      return readlinkSync(join(claims, name)) === paths.directory;
    } catch {
      return false;
    }
  });
  return link === undefined ? undefined : Number(link);
}

/** Gives a lab's subnets back. */
export function releaseSubnets(paths: LabPaths): void {
  const pair = claimed(paths);
  if (pair !== undefined) rmSync(join(claims, String(pair)), { force: true });
  try {
    if (readdirSync(claims).length === 0) rmSync(claims, { recursive: true });
  } catch {
    // Never made, or another lab is using it.
  }
}

/** The address with this last byte in one of the networks of a pair, e.g. `10.77.0.20`. */
export function addressIn(pair: number, network: Network, lastByte: number): string {
  return `10.77.${pair * 2 + (network === "outside" ? 0 : 1)}.${lastByte}`;
}

import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { ExplainedError } from "../errors/explained-error.ts";
import { type Network, workstationAddress } from "./hosts.ts";
import type { LabPaths } from "./paths.ts";

/**
 * Claims of all labs on this machine, of all repositories: a symbolic link `<pair>` to the lab that uses the
 * pair.
 */
const claims = "/run/airgapped-maas-lab";

/**
 * Claims a pair of subnets of 10.77.0.0/16 that no other lab on this machine uses: pair 3 is 10.77.6.0/24 and
 * 10.77.7.0/24. Making a symbolic link is atomic, so two labs never get the same pair. A lab that has a pair already
 * keeps it.
 */
export function claimSubnets(paths: LabPaths): number {
  mkdirSync(claims, { recursive: true });
  const mine = claimed(paths);
  if (mine !== undefined) return mine;
  for (let pair = 0; pair < 128; pair++) {
    const link = join(claims, String(pair));
    // If the directory of a running lab was deleted, its address still exists.
    const workstation = addressIn(pair, "outside", workstationAddress);
    if (Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === workstation)))
      continue;
    try {
      const owner = readlinkSync(link);
      if (existsSync(owner)) continue;
      rmSync(link);
    } catch {
      // The pair is free.
    }
    try {
      symlinkSync(paths.directory, link);
      return pair;
    } catch {
      // Another lab claimed it first.
    }
  }
  throw new ExplainedError({
    step: `choosing subnets for the lab ${paths.name}`,
    found: "all 128 pairs of 10.77.0.0/16 are taken",
    remedy: `Stop labs that are no longer needed. The links in ${claims} name the lab of each pair.`,
  });
}

/** The pair that a lab has claimed, or undefined. */
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

/** Releases a lab's subnets. */
export function releaseSubnets(paths: LabPaths): void {
  const pair = claimed(paths);
  if (pair !== undefined) rmSync(join(claims, String(pair)), { force: true });
  try {
    if (readdirSync(claims).length === 0) rmSync(claims, { recursive: true });
  } catch {
    // It was never made, or another lab uses it.
  }
}

/** The address with this last byte in one of the networks of a pair, e.g. `10.77.0.20`. */
export function addressIn(pair: number, network: Network, lastByte: number): string {
  return `10.77.${pair * 2 + (network === "outside" ? 0 : 1)}.${lastByte}`;
}

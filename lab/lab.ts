import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { ExplainedError } from "../errors/explained-error.ts";
import { prepareArchives } from "./archive/ubuntu.ts";
import { cgroupsBelow, endCgroup } from "./cgroups.ts";
import { type CommandOptions, type CommandResult, command, tryCommand } from "./command.ts";
import { type LabHost, labHost, labHosts, type Network } from "./hosts.ts";
import { writeCustomImage } from "./images/custom-image.ts";
import { prepareImages } from "./images/source.ts";
import { makeSshKeys } from "./keys.ts";
import { locked } from "./lock.ts";
import { bringUp, enter, isRunning, rebootHost, switchOff } from "./machine.ts";
import { bridgesDown, bridgesUp } from "./network.ts";
import { type LabPaths, labPaths, sharedPaths } from "./paths.ts";
import { writeSshConfig } from "./ssh-config.ts";
import { addressIn, claimed, claimSubnets, releaseSubnets } from "./subnets.ts";

/** A running lab. */
export interface Lab {
  readonly name: string;
  readonly paths: LabPaths;
  /** The number of its pair of subnets in 10.77.0.0/16. */
  readonly pair: number;
  /** The address of a host on one of the networks. Throws if the host is not connected to it. */
  address(host: string, network: Network): string;
  /** Runs a command on a host as root, without SSH. Does not throw if the exit code is not 0. */
  run(host: string, argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Like `run`, for a shell script. */
  sh(host: string, script: string, options?: CommandOptions): Promise<CommandResult>;
  /**
   * Runs a command line on a host through OpenSSH with the lab's ssh_config. Does not throw if the exit code
   * is not 0.
   */
  ssh(host: string, commandLine: string, options?: CommandOptions): Promise<CommandResult>;
  /** Reboots a host and waits until SSH answers. */
  reboot(host: string): Promise<void>;
  /** Switches a host off. Its disk remains. */
  powerOff(host: string, how?: "cleanly" | "plug pulled"): Promise<void>;
  /** Switches a host on and waits until SSH answers. */
  powerOn(host: string): Promise<void>;
}

interface LabUpOptions {
  /** The hosts to boot. Default: the hosts that the table boots by default. Other running hosts continue. */
  readonly hosts?: readonly string[];
}

/**
 * Starts a lab, or the hosts of it that do not run. SSH of all hosts answers when this returns. A lab that runs
 * already is not changed. The remains of a killed lab are removed.
 */
export async function labUp(name: string, options: LabUpOptions = {}): Promise<Lab> {
  checkName(name);
  const paths = labPaths(name);
  const hosts = options.hosts?.map(row) ?? labHosts.filter((host) => host.booted);
  mkdirSync(paths.directory, { recursive: true });
  return await locked(`${paths.directory}.lock`, async () => {
    mkdirSync(paths.directory, { recursive: true });
    const pair = claimSubnets(paths);
    if (!existsSync(paths.state)) {
      await disksInMemory(paths);
      await makeSshKeys(paths);
      writeSshConfig(paths, pair);
      await Promise.all([
        prepareArchives(paths),
        prepareImages(paths),
        writeCustomImage(paths.customImage, "9"),
      ]);
      writeFileSync(paths.state, JSON.stringify({ name, pair }));
    }
    raiseInotifyLimit();
    await bridgesUp(paths, pair);
    await Promise.all(hosts.map((host) => bringUp(paths, pair, host)));
    return labOf(paths, pair);
  });
}

/**
 * With AIRGAPPED_MAAS_LAB_IN_MEMORY=1 the disks of the hosts are in memory. The tests use this: they write many small files.
 */
async function disksInMemory(paths: LabPaths): Promise<void> {
  if (process.env.AIRGAPPED_MAAS_LAB_IN_MEMORY !== "1") return;
  mkdirSync(paths.hosts, { recursive: true });
  await tryCommand(["umount", "--quiet", paths.hosts]); // of a killed lab
  await command(["mount", "-t", "tmpfs", "-o", "mode=755", "lab-disks", paths.hosts]);
}

/**
 * All hosts share root's limit of inotify instances on the machine, and each systemd needs several. A few labs
 * exhaust the kernel's default of 128. Units that watch a path then fail.
 */
function raiseInotifyLimit(): void {
  const limit = "/proc/sys/fs/inotify/max_user_instances";
  if (Number(readFileSync(limit, "utf8")) < 4096) writeFileSync(limit, "4096");
}

/** The running lab of this name. Throws if it does not run. */
export function runningLab(name: string): Lab {
  checkName(name);
  const paths = labPaths(name);
  const pair = claimed(paths);
  if (pair === undefined) {
    throw new ExplainedError({
      step: `looking for the lab ${name}`,
      found: "it is not running",
      remedy: `Run: node lab/main.ts up --name ${name}`,
    });
  }
  return labOf(paths, pair);
}

/** Stops a lab and deletes all that belongs to it, also the disks. Files that labs share remain. */
export async function labDown(name: string): Promise<void> {
  checkName(name);
  const paths = labPaths(name);
  mkdirSync(paths.directory, { recursive: true });
  await locked(`${paths.directory}.lock`, async () => {
    await endCgroup(paths.prefix);
    await bridgesDown(paths, claimed(paths));
    releaseSubnets(paths);
    // Fails if the disks are not in memory.
    await tryCommand(["umount", "--quiet", paths.hosts]);
    rmSync(paths.directory, { recursive: true, force: true });
  });
}

/** The labs of this repository that run, or whose remains exist. */
export function labNames(): string[] {
  if (!existsSync(sharedPaths.labs)) return [];
  const entries = readdirSync(sharedPaths.labs, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** The present state of a lab's host. */
interface HostStatus {
  readonly host: string;
  readonly role: string;
  readonly running: boolean;
  readonly addresses: readonly string[];
}

/**
 * The status of every host in the table. If the lab does not run, no host runs and no host has an address.
 */
export function labStatus(name: string): HostStatus[] {
  const paths = labPaths(name);
  const pair = claimed(paths);
  const running = new Set(cgroupsBelow(paths.prefix).filter((host) => isRunning(paths, host)));
  return labHosts.map((host) => ({
    host: host.name,
    role: host.role,
    running: running.has(host.name),
    addresses:
      pair === undefined
        ? []
        : (Object.entries(host.address) as [Network, number][]).map(([network, byte]) =>
            addressIn(pair, network, byte),
          ),
  }));
}

function labOf(paths: LabPaths, pair: number): Lab {
  return {
    name: paths.name,
    paths,
    pair,
    address(host, network) {
      const byte = row(host).address[network];
      if (byte === undefined) {
        throw new ExplainedError({
          host,
          step: "looking up an address",
          found: `it is not connected to ${network}`,
          remedy: "See lab/hosts.ts.",
        });
      }
      return addressIn(pair, network, byte);
    },
    run: (host, argv, options) => enter(paths, row(host).name, argv, options),
    sh: (host, script, options) => enter(paths, row(host).name, ["bash", "-c", script], options),
    ssh: (host, commandLine, options) =>
      tryCommand(["ssh", "-F", paths.sshConfig, "-o", "BatchMode=yes", host, commandLine], options),
    reboot: (host) => rebootHost(paths, pair, row(host).name),
    powerOff: (host, how = "cleanly") => switchOff(paths, row(host).name, how),
    powerOn: (host) => bringUp(paths, pair, row(host)),
  };
}

function row(name: string): LabHost {
  const host = labHost(name);
  if (host !== undefined) return host;
  throw new ExplainedError({
    step: "looking up a host of the lab",
    found: `no host is called ${name}`,
    remedy: `Use one of: ${labHosts.map((each) => each.name).join(", ")}.`,
  });
}

function checkName(name: string): void {
  if (/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) return;
  throw new ExplainedError({
    step: "naming a lab",
    found: JSON.stringify(name),
    remedy: "Use up to 31 lowercase letters, digits and dashes.",
  });
}

import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { ExplainedError } from "../errors/explained-error.ts";
import { endCgroup, leaderIn, processesIn } from "./cgroups.ts";
import { type CommandOptions, type CommandResult, tryCommand } from "./command.ts";
import type { LabHost } from "./hosts.ts";
import { labHost } from "./hosts.ts";
import { maasBinds } from "./maas-host/files.ts";
import { plugIn } from "./network.ts";
import type { LabPaths } from "./paths.ts";
import { provision } from "./provision.ts";
import { lowerDirectories } from "./rootfs.ts";
import { addressIn } from "./subnets.ts";
import { until } from "./until.ts";

/** The control group that holds all processes of a host. */
export function hostCgroup(paths: LabPaths, name: string): string {
  return `${paths.prefix}/${name}`;
}

/** Whether a host is running: it has a process that is its PID 1, and a supervisor to boot it again. */
export function isRunning(paths: LabPaths, name: string): boolean {
  const cgroup = hostCgroup(paths, name);
  return leaderIn(cgroup) !== undefined && processesIn(cgroup).some(isSupervisor);
}

function isSupervisor(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[1]?.endsWith("/supervise.sh") ?? false;
  } catch {
    return false;
  }
}

/** Makes a host run and answer SSH, whatever state it is in; one that is dying at this moment is booted anew. */
export async function bringUp(paths: LabPaths, pair: number, host: LabHost): Promise<void> {
  for (;;) {
    if (!isRunning(paths, host.name)) await boot(paths, pair, host);
    if (await sshAnswers(paths, pair, host)) return;
  }
}

/** Boots a host on the disk it has, or on a fresh one. Returns when systemd runs. */
async function boot(paths: LabPaths, pair: number, host: LabHost): Promise<void> {
  const cgroup = hostCgroup(paths, host.name);
  await endCgroup(cgroup); // what a killed lab may have left
  const directory = join(paths.hosts, host.name);
  const upper = join(directory, "upper");
  const lower = await lowerDirectories(host);
  if (!existsSync(upper)) {
    rmSync(upper, { recursive: true, force: true });
    rmSync(`${upper}.making`, { recursive: true, force: true });
    mkdirSync(`${upper}.making`, { recursive: true });
    await provision(paths, pair, host, `${upper}.making`, lower);
    renameSync(`${upper}.making`, upper);
  }
  rmSync(join(directory, "work"), { recursive: true, force: true });
  const log = openSync(join(directory, "console.log"), "a");
  const supervisor = spawn(
    "unshare",
    [
      "--mount",
      "--net",
      join(import.meta.dirname, "supervise.sh"),
      cgroup,
      directory,
      lower,
      host.name,
      ...(host.name === "upstream"
        ? [`--bind-ro=${paths.archive}:/srv/archive`, `--bind-ro=${paths.images}:/srv/images`]
        : []),
      ...(host.name === "maas" ? maasBinds() : []),
    ],
    { detached: true, stdio: ["pipe", log, log] },
  );
  closeSync(log);
  const pid = supervisor.pid ?? 0;
  const mine = readlinkSync("/proc/self/ns/net");
  await until(`a network namespace of ${host.name}`, 10_000, () => {
    if (supervisor.exitCode !== null) throw failedToStart(host, directory);
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) !== mine;
    } catch {
      return false;
    }
  });
  await plugIn(paths, pair, host, pid);
  supervisor.stdin?.end("go\n");
  supervisor.unref();
  await until(`PID 1 of ${host.name}`, 20_000, () => {
    if (supervisor.exitCode !== null) throw failedToStart(host, directory);
    return isRunning(paths, host.name);
  });
}

function failedToStart(host: LabHost, directory: string): ExplainedError {
  const log = readFileSync(join(directory, "console.log"), "utf8").trim().split("\n").slice(-5).join(" | ");
  return new ExplainedError({
    host: host.name,
    step: "booting a host of the lab",
    found: `systemd-nspawn ended: ${log}`,
    remedy: `See ${join(directory, "console.log")}; then take the lab down and up again.`,
  });
}

/**
 * Runs a command on a host as root, not through SSH but through the kernel: for what must not depend on
 * SSH. Whatever its exit code.
 */
export async function enter(
  paths: LabPaths,
  name: string,
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const leader = leaderIn(hostCgroup(paths, name));
  if (leader === undefined) {
    throw new ExplainedError({
      host: name,
      step: `running ${argv.join(" ").slice(0, 200)} in the lab ${paths.name}`,
      found: "the host is not running",
      remedy: "Bring the lab up, or switch the host on.",
    });
  }
  return await tryCommand(
    [
      "nsenter",
      `--target=${leader}`,
      "--mount",
      "--uts",
      "--ipc",
      "--net",
      "--pid",
      "--cgroup",
      "--root",
      "env",
      "-i",
      "--chdir=/",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/root",
      "LC_ALL=C.UTF-8",
      "DEBIAN_FRONTEND=noninteractive",
      ...argv,
    ],
    options,
  );
}

/**
 * Waits until a host's SSH server greets, as seen from the workstation, or listens, where only the data
 * centre sees it. False where the host ended meanwhile.
 */
async function sshAnswers(paths: LabPaths, pair: number, host: LabHost): Promise<boolean> {
  const outside = host.address.outside;
  let ended = false;
  await until(`SSH of ${host.name}`, 30_000, async () => {
    ended = !isRunning(paths, host.name);
    if (ended) return true;
    if (outside !== undefined) return await greets(addressIn(pair, "outside", outside));
    const listening = await enter(paths, host.name, ["ss", "-Hltn", "sport = :22"]);
    return listening.stdout.includes("LISTEN");
  });
  return !ended;
}

function greets(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22 });
    const answer = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once("error", () => answer(false));
    socket.once("close", () => resolve(false));
    socket.once("data", (data) => answer(data.toString("latin1").startsWith("SSH-2.0")));
  });
}

/** Reboots a host as an administrator would and waits until SSH answers again. */
export async function rebootHost(paths: LabPaths, pair: number, name: string): Promise<void> {
  const cgroup = hostCgroup(paths, name);
  await bringUp(paths, pair, row(name));
  const before = leaderIn(cgroup);
  const { code, stderr } = await enter(paths, name, ["systemctl", "reboot"]);
  if (code !== 0) {
    throw new ExplainedError({
      host: name,
      step: "rebooting a host of the lab",
      found: stderr.trim(),
      remedy: "Let what it is doing come to an end first.",
    });
  }
  await until(`the next boot of ${name}`, 30_000, () => {
    const leader = leaderIn(cgroup);
    return leader !== undefined && leader !== before;
  });
  await bringUp(paths, pair, row(name));
}

/** Switches a host off: cleanly, or as if its plug were pulled. Its disk stays. */
export async function switchOff(
  paths: LabPaths,
  name: string,
  how: "cleanly" | "plug pulled",
): Promise<void> {
  const cgroup = hostCgroup(paths, name);
  if (how === "cleanly" && isRunning(paths, name)) {
    await enter(paths, name, ["systemctl", "poweroff"]);
    await until(`the end of ${name}`, 30_000, () => processesIn(cgroup).length === 0);
  }
  await endCgroup(cgroup);
}

function row(name: string): LabHost {
  const host = labHost(name);
  if (host === undefined) {
    throw new ExplainedError({
      step: "looking a host of the lab up",
      found: `no host is called ${name}`,
      remedy: "Use one of the names in lab/hosts.ts.",
    });
  }
  return host;
}

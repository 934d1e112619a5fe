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

/** The control group with all processes of a host. */
export function hostCgroup(paths: LabPaths, name: string): string {
  return `${paths.prefix}/${name}`;
}

/** Whether a host runs: it has a process that is its PID 1, and a supervisor that can boot it again. */
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

/** Makes a host run and answer SSH, from any state. A host that is just ending is booted again. */
export async function bringUp(paths: LabPaths, pair: number, host: LabHost): Promise<void> {
  for (;;) {
    if (!isRunning(paths, host.name)) await boot(paths, pair, host);
    if (await sshAnswers(paths, pair, host)) return;
  }
}

/** Boots a host on its existing disk, or on a new one. Returns when systemd runs. */
async function boot(paths: LabPaths, pair: number, host: LabHost): Promise<void> {
  const cgroup = hostCgroup(paths, host.name);
  await endCgroup(cgroup); // remains of a killed lab
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
    remedy: `See ${join(directory, "console.log")}; then run: node lab/main.ts down, and up again.`,
  });
}

/**
 * Runs a command on a host as root, through its namespaces and not through SSH, for tests that must not depend on
 * SSH. Does not throw if the exit code is not 0.
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
      remedy: "Start the lab (node lab/main.ts up), or switch the host on.",
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
 * Waits for a host's SSH server: until it sends its greeting to the workstation, or, on a host that only the data
 * centre reaches, until it listens. Returns false if the host ended in the meantime.
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

/** Reboots a host with systemctl and waits until SSH answers again. */
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
      remedy: "Wait until the running jobs of the host have ended, then reboot it again.",
    });
  }
  await until(`the next boot of ${name}`, 30_000, () => {
    const leader = leaderIn(cgroup);
    return leader !== undefined && leader !== before;
  });
  await bringUp(paths, pair, row(name));
}

/** Switches a host off, with a clean shutdown or as in a power failure. Its disk remains. */
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
      step: "looking up a host of the lab",
      found: `no host is called ${name}`,
      remedy: "Use one of the names in lab/hosts.ts.",
    });
  }
  return host;
}

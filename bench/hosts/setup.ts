import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ExplainedError } from "../../errors/explained-error.ts";
import { command } from "../../lab/command.ts";
import { labHost } from "../../lab/hosts.ts";
import { hostKey } from "../../lab/keys.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Distance, distance } from "../distance.ts";
import { benchCache } from "../other-tools.ts";
import type { DesiredState } from "./desired-state.ts";

/** The hosts that the tools bring to the desired state. */
const targets = ["mirror", "mirror2", "store"];

/** How a host is reached. */
interface Way {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
}

/** Newly installed hosts behind a latency, and a directory for the tool's files. */
export interface Setup {
  readonly directory: string;
  readonly ways: readonly Way[];
  readonly key: string;
  readonly knownHosts: string;
  readonly sshConfig: string;
  /** Throws if a host differs from the state. */
  check(state: DesiredState): Promise<void>;
  close(): Promise<void>;
}

/** Boots the lab `name` on new disks. Every connection to it then has a round trip of `roundTrip` ms. */
export async function freshSetup(name: string, roundTrip: number): Promise<Setup> {
  await labDown(name);
  const lab = await labUp(name, { hosts: ["upstream", ...targets] });
  await prepare(lab, await ansibleNeeds());
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  const distances: Distance[] = [];
  const ways = await Promise.all(
    targets.map(async (host): Promise<Way> => {
      const user = labHost(host)?.user ?? "root";
      const address = lab.address(host, "outside");
      if (roundTrip === 0) return { host, user, address, port: 22 };
      const proxy = await distance({ listen: "127.0.0.1:0", to: `${address}:22`, roundTrip });
      distances.push(proxy);
      return { host, user, address: "127.0.0.1", port: proxy.port };
    }),
  );
  const knownHosts = join(directory, "known_hosts");
  writeFileSync(knownHosts, knownHostsText(lab, ways));
  const sshConfig = join(directory, "ssh_config");
  writeFileSync(sshConfig, sshConfigText(ways, lab.paths.key, knownHosts));
  return {
    directory,
    ways,
    key: lab.paths.key,
    knownHosts,
    sshConfig,
    async check(state) {
      for (const host of targets) await checkHost(lab, host, state);
    },
    async close() {
      for (const each of distances) await each.close();
      await labDown(name);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function knownHostsText(lab: Lab, ways: readonly Way[]): string {
  return ways
    .map(({ host, address, port }) => {
      const [type, key] = readFileSync(`${hostKey(lab.paths, host)}.pub`, "utf8").split(" ");
      return `${port === 22 ? address : `[${address}]:${port}`} ${type} ${key}\n`;
    })
    .join("");
}

function sshConfigText(ways: readonly Way[], key: string, knownHosts: string): string {
  const hosts = ways.map(
    ({ host, address, port, user }) =>
      `Host ${host}\n  HostName ${address}\n  Port ${port}\n  User ${user}\n`,
  );
  return `${hosts.join("")}Host *
  IdentityFile "${key}"
  IdentitiesOnly yes
  UserKnownHostsFile "${knownHosts}"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  UpdateHostKeys no
`;
}

async function checkHost(lab: Lab, host: string, state: DesiredState): Promise<void> {
  const files = { ...state.files };
  for (const [unit, content] of Object.entries(state.services))
    files[`/etc/systemd/system/${unit}`] = content;
  const units = Object.keys(state.services);
  const script = `python3 -c '
import json, sys
for path, content in json.load(sys.stdin).items():
    if open(path).read() != content: sys.exit(path + " differs")
' && dpkg -s ${state.packages.join(" ")} >/dev/null && systemctl is-active ${units.join(" ")} && systemctl is-enabled ${units.join(" ")}`;
  const { code, stdout, stderr } = await lab.sh(host, script, { input: JSON.stringify(files) });
  if (code === 0) return;
  throw new ExplainedError({
    host,
    step: "checking the result of a tool",
    found: `${stdout}${stderr}`.trim(),
    remedy: "The tool failed, or its input is wrong. Its time is not valid. Fix the tool's input.",
  });
}

/**
 * The .deb files that Ansible's apt module needs on a host and the lab's archive does not have. Downloaded
 * once.
 */
async function ansibleNeeds(): Promise<readonly string[]> {
  const directory = join(benchCache, "ansible-needs");
  if (!existsSync(directory)) {
    const making = `${directory}.making`;
    rmSync(making, { recursive: true, force: true });
    mkdirSync(making, { recursive: true });
    await command(["apt-get", "-q", "download", "python3-apt", "python-apt-common", "distro-info-data"], {
      cwd: making,
    });
    renameSync(making, directory);
  }
  return readdirSync(directory).map((name) => join(directory, name));
}

/**
 * Reads package lists and installs .deb files on every target, for each tool, so that all start from the same
 * state.
 */
async function prepare(lab: Lab, files: readonly string[]): Promise<void> {
  for (const host of targets) {
    for (const file of files)
      await lab.sh(host, `cat >/tmp/${basename(file)}`, { input: readFileSync(file) });
    const names = files.map((file) => `/tmp/${basename(file)}`).join(" ");
    const { code, stderr } = await lab.sh(
      host,
      `apt-get -q update && dpkg --install ${names} && rm ${names}`,
    );
    if (code !== 0) {
      throw new ExplainedError({
        host,
        step: "preparing it for all tools",
        found: stderr.trim().slice(-500),
        remedy: "Compare the release of this machine with that of the lab's hosts.",
      });
    }
  }
}

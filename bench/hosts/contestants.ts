import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Seconds, timed } from "../measurement.ts";
import { pyinfra } from "../other-tools.ts";
import { benchStack } from "../pulumi-project.ts";
import type { DesiredState } from "./desired-state.ts";
import type { Setup } from "./setup.ts";

/** A tool that manages the hosts of a setup. */
interface Contestant {
  /** Brings the hosts to a state. */
  apply(state: DesiredState): Promise<Seconds>;
  /** Compares the hosts with a state and changes nothing. */
  look(state: DesiredState): Promise<Seconds>;
}

export type Tool = "airgapped-maas" | "pyinfra" | "ansible";

/**
 * A function for each tool that prepares it on a setup, with the fast settings that its documentation
 * recommends.
 */
export const contestants: Readonly<Record<Tool, (setup: Setup) => Promise<Contestant>>> = {
  "airgapped-maas": async (setup) => {
    const stack = await benchStack(join(setup.directory, "pulumi"), join(import.meta.dirname, "program.ts"));
    const file = join(setup.directory, "state.json");
    await stack.configure({
      sshConfig: setup.sshConfig,
      desiredState: file,
      hosts: setup.ways.map(({ host }) => host).join(","),
    });
    const state = (wanted: DesiredState) => writeFileSync(file, JSON.stringify(wanted));
    return {
      apply(wanted) {
        state(wanted);
        return stack.timed("up", "--yes", "--skip-preview");
      },
      look(wanted) {
        state(wanted);
        return stack.timed("preview", "--expect-no-changes");
      },
    };
  },

  pyinfra: async (setup) => {
    const hosts = setup.ways.map(({ host, address, port, user }) => {
      const data = {
        ssh_hostname: address,
        ssh_port: port,
        ssh_user: user,
        ssh_key: setup.key,
        ssh_known_hosts_file: setup.knownHosts,
        ssh_strict_host_key_checking: "yes",
        _sudo: true,
      };
      return `    (${JSON.stringify(host)}, ${JSON.stringify(data).replaceAll("true", "True")}),\n`;
    });
    const inventory = join(setup.directory, "inventory.py");
    writeFileSync(inventory, `hosts = [\n${hosts.join("")}]\n`);
    const run = (state: DesiredState, ...words: string[]) => {
      const file = join(setup.directory, "state.json");
      writeFileSync(file, JSON.stringify(state));
      return timed([pyinfra, inventory, join(import.meta.dirname, "deploy.py"), ...words], {
        cwd: setup.directory,
        env: { DESIRED_STATE: file },
      });
    };
    return { apply: (state) => run(state, "-y"), look: (state) => run(state, "--dry") };
  },

  ansible: async (setup) => {
    const inventory = join(setup.directory, "inventory");
    const names = setup.ways.map(({ host }) => `${host}\n`).join("");
    writeFileSync(inventory, `[all]\n${names}[all:vars]\nansible_python_interpreter=/usr/bin/python3\n`);
    const sockets = join(setup.directory, "cp");
    mkdirSync(sockets);
    const configuration = join(setup.directory, "ansible.cfg");
    writeFileSync(
      configuration,
      `[defaults]
inventory = ${inventory}
local_tmp = ${setup.directory}/tmp
[ssh_connection]
pipelining = True
ssh_args = -F ${setup.sshConfig} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = ${sockets}
`,
    );
    const run = (state: DesiredState, ...words: string[]) => {
      const file = join(setup.directory, "state.json");
      writeFileSync(file, JSON.stringify(state));
      const playbook = join(import.meta.dirname, "playbook.yml");
      return timed(["ansible-playbook", playbook, "--extra-vars", `@${file}`, ...words], {
        env: { ANSIBLE_CONFIG: configuration },
      });
    };
    return { apply: (state) => run(state), look: (state) => run(state, "--check") };
  },
};

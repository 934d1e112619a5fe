import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeAll, configureSsh, hostNamed } from "../../hosts/connections.ts";
import type { Host } from "../../hosts/host.ts";
import { type Lab, labUp } from "../../lab/lab.ts";

/** The lab that all lab tests share. Stop it with `node lab/main.ts down --name test`. */
const testLab = process.env.AIRGAPPED_MAAS_TEST_LAB ?? "test";

/** The shared lab with these hosts running. */
export function labForTests(...hosts: string[]): Promise<Lab> {
  return labUp(testLab, { hosts });
}

/** Options of a host that replace those of the lab's ssh_config; keywords of ssh_config(5). */
export type SshSettings = Readonly<Record<string, string | number>>;

/** A test file's ssh configuration, in which lab hosts have other names and options. */
export class TestSsh {
  readonly folder: string;
  readonly lab: Lab;
  readonly configFile: string;
  #config = "";
  #hosts = 0;

  constructor(lab: Lab) {
    this.lab = lab;
    this.folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
    this.configFile = join(this.folder, "ssh_config");
    writeFileSync(this.configFile, "");
    configureSsh({ configFile: this.configFile });
  }

  /** A lab host with a name that no other test uses, so its connections are not shared. */
  host(base: string, settings: SshSettings = {}): Host {
    const name = `${base}-${process.pid}-${this.#hosts++}`;
    const all: SshSettings = { ...this.settings(base), ...settings };
    const lines = Object.entries(all).map(([keyword, value]) => `  ${keyword} ${value}`);
    this.#config += `Host ${name}\n${lines.join("\n")}\n\n`;
    writeFileSync(this.configFile, this.#config);
    return hostNamed(name);
  }

  /**
   * The lab's options, but the host key is looked up by address even if the connection goes to another
   * address.
   */
  settings(base: string): SshSettings {
    const answer = execFileSync("ssh", ["-G", "-F", this.lab.paths.sshConfig, base], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const setting = (keyword: string) => new RegExp(`^${keyword} (.*)$`, "m").exec(answer)?.[1] ?? "";
    const jump = setting("proxyjump");
    return {
      HostName: setting("hostname"),
      HostKeyAlias: setting("hostname"),
      User: setting("user"),
      IdentityFile: this.lab.paths.key,
      IdentitiesOnly: "yes",
      IdentityAgent: "none",
      UserKnownHostsFile: this.lab.paths.knownHosts,
      GlobalKnownHostsFile: "none",
      ConnectTimeout: 10,
      ...(jump ? { ProxyJump: this.host(jump).name } : {}),
    };
  }

  /** A file in this test's folder. */
  file(name: string, content: string | Buffer, mode = 0o600): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content, { mode });
    return path;
  }

  /** Makes a key pair; returns the private key's path and the public key's line. */
  key(
    name: string,
    options: { type?: string; passphrase?: string } = {},
  ): { file: string; publicLine: string } {
    const file = join(this.folder, name);
    const { type = "ed25519", passphrase = "" } = options;
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-f", file]);
    return { file, publicLine: readFileSync(`${file}.pub`, "utf8").trim() };
  }

  async end(): Promise<void> {
    await closeAll();
    configureSsh({ configFile: undefined });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

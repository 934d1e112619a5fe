import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../lab/command.ts";
import { type Seconds, timed } from "../measurement.ts";
import { markName } from "../memory.ts";
import { benchStack } from "../pulumi-project.ts";
import type { Setup } from "./setup.ts";

/** A tool that mirrors the archive of a setup. */
export interface Contestant {
  /** Brings the mirror to the published state. */
  sync(): Promise<Seconds>;
  /** The same when nothing has been published. Throws if the tool changes something. Default: `sync`. */
  noOp?(): Promise<Seconds>;
  /** The part of the last `sync` that ran on the mirror host. Undefined if no job ran. */
  job?(): Promise<Seconds | undefined>;
  /** The mark of its processes on this machine; see memory.ts. */
  readonly mark?: string;
  /** Checks what a sync would do, if the tool can. */
  look?(): Promise<Seconds>;
  /** Throws unless the mirror has all published packages with the right digest. */
  check(): Promise<void>;
}

export type Tool = "upstream-signed" | "mirror-signed" | "debmirror" | "reprepro" | "curl";

/** A function for each tool that prepares it on a setup. */
export const contestants: Readonly<Record<Tool, (setup: Setup) => Promise<Contestant>>> = {
  "upstream-signed": (setup) => aptMirror(setup, "upstream"),
  "mirror-signed": (setup) => aptMirror(setup, "mirror"),

  /**
   * Uses the mirror host's network, but the machine's programs and disk, because the host's archive has no
   * debmirror.
   */
  async debmirror(setup) {
    const target = join(setup.directory, "debmirror");
    const keyring = join(setup.directory, "keyring.gpg");
    await command(["gpg", "--dearmor", "--yes", "--output", keyring, setup.archive.key.publicFile]);
    const { host, pathname } = new URL(setup.url);
    const argv = [
      ...["nsenter", `--target=${setup.mirrorProcess}`, "--net", "debmirror"],
      ...[`--host=${host}`, `--root=${pathname}`, "--method=http"],
      ...[`--dist=${setup.layout.suites.join(",")}`, `--section=${setup.layout.components.join(",")}`],
      ...["--arch=amd64", "--nosource", "--i18n", "--diff=none", "--rsync-extra=none"],
      ...[`--keyring=${keyring}`, target],
    ];
    return {
      sync: () => timed(argv, { env: { HOME: setup.directory, [markName]: target } }),
      mark: target,
      async check() {
        await command(["sha256sum", "--check", "--quiet"], { cwd: target, input: sums(setup) });
      },
    };
  },

  async reprepro(setup) {
    const directory = "/srv/bench/reprepro";
    const { fingerprint, publicArmored } = setup.archive.key;
    const { suites, components } = setup.layout;
    const distribution = (suite: string) => `Origin: Bench
Label: Bench
Suite: ${suite}
Codename: ${suite}
Architectures: amd64
Components: ${components.join(" ")}
SignWith: $key
Update: ${suite}
`;
    const rule = (suite: string) => `Name: ${suite}
Method: ${setup.url}
Suite: ${suite}
Components: ${components.join(" ")}
Architectures: amd64
VerifyRelease: ${fingerprint.slice(-16)}
`;
    await setup.onMirror(
      `mkdir -p ${directory}/conf ${directory}/gnupg
chmod 700 ${directory}/gnupg
export GNUPGHOME=${directory}/gnupg
gpg --batch --quiet --import
gpg --batch --quiet --passphrase '' --quick-generate-key bench rsa3072 sign never
key=$(gpg --batch --list-secret-keys --with-colons | awk -F: '$1 == "fpr" { print $10; exit }')
cat >${directory}/conf/distributions <<END
${suites.map(distribution).join("\n")}END
cat >${directory}/conf/updates <<END
${suites.map(rule).join("\n")}END`,
      publicArmored,
    );
    return {
      mark: directory,
      sync: () =>
        setup.timedOnMirror(
          `${markName}=${directory} GNUPGHOME=${directory}/gnupg reprepro --silent --basedir ${directory} update`,
        ),
      check: async () =>
        void (await setup.onMirror(`cd ${directory} && sha256sum --check --quiet`, sums(setup))),
    };
  },

  /** The lower limit: gets every path and digest in advance. It keeps no metadata and publishes nothing. */
  async curl(setup) {
    const target = "/srv/bench/curl";
    await setup.onMirror(`mkdir -p ${target}`);
    const urls = () =>
      setup.archive.packages.map(({ path }) => `url = "${setup.url}/${path}"\noutput = "${path}"\n`).join("");
    return {
      async sync() {
        await setup.onMirror(`cat >${target}/urls`, urls());
        await setup.onMirror(`cat >${target}/sums`, sums(setup));
        return await setup.timedOnMirror(
          `cd ${target}
curl --silent --show-error --fail --create-dirs --parallel --parallel-immediate --parallel-max 64 --config urls
sha256sum --check --quiet sums`,
        );
      },
      check: async () => void (await setup.onMirror(`cd ${target} && sha256sum --check --quiet sums`)),
    };
  },
};

/** This project's mirror, with upstream's signature or the mirror's. */
async function aptMirror(setup: Setup, signing: "mirror" | "upstream"): Promise<Contestant> {
  const directory = join(setup.directory, signing);
  mkdirSync(directory);
  const key = join(directory, "key.asc");
  writeFileSync(key, setup.archive.key.publicArmored);
  const stack = await benchStack(directory, join(import.meta.dirname, "program.ts"));
  await stack.configure({
    sshConfig: setup.lab.paths.sshConfig,
    upstream: setup.url,
    key,
    signing,
    layout: JSON.stringify(setup.layout),
  });
  return {
    mark: stack.directory,
    sync: () => stack.timed("up", "--yes", "--skip-preview"),
    noOp: () => stack.timed("up", "--yes", "--skip-preview", "--expect-no-changes"),
    look: () => stack.timed("preview", "--expect-no-changes"),
    job: () => setup.lastJob(),
    async check() {
      const list = setup.archive.packages
        .map(({ path, sha256 }) => `${sha256}  /srv/bench/${signing}/current/public/${path}\n`)
        .join("");
      await setup.onMirror("sha256sum --check --quiet", list);
    },
  };
}

/** The input of sha256sum: the published packages by their path below the archive. */
export function sums(setup: Setup): string {
  return setup.archive.packages.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../lab/command.ts";
import { type Seconds, timed } from "../measurement.ts";
import { markName } from "../memory.ts";
import { benchStack } from "../pulumi-project.ts";
import type { Scene } from "./scene.ts";

/** A tool that mirrors the archive of a scene. */
export interface Contestant {
  /** Brings the mirror to what is published now. */
  sync(): Promise<Seconds>;
  /** The part of the last `sync` that ran on the mirror host; undefined where nothing ran. */
  job?(): Promise<Seconds | undefined>;
  /** What marks its processes on this machine; see memory.ts. */
  readonly mark?: string;
  /** Looks what a sync would do, for those that can. */
  look?(): Promise<Seconds>;
  /** Throws unless all packages that are published now are in the mirror, with the right digest. */
  check(): Promise<void>;
}

export type Tool = "upstream-signed" | "mirror-signed" | "debmirror" | "reprepro" | "curl";

/** Every tool, set up on a scene. */
export const contestants: Readonly<Record<Tool, (scene: Scene) => Promise<Contestant>>> = {
  "upstream-signed": (scene) => aptMirror(scene, "upstream"),
  "mirror-signed": (scene) => aptMirror(scene, "mirror"),

  /** On the mirror host's network, with the machine's programs and disk: the host's archive has no debmirror. */
  async debmirror(scene) {
    const target = join(scene.directory, "debmirror");
    const keyring = join(scene.directory, "keyring.gpg");
    await command(["gpg", "--dearmor", "--yes", "--output", keyring, scene.archive.key.publicFile]);
    const { host, pathname } = new URL(scene.url);
    const argv = [
      ...["nsenter", `--target=${scene.mirrorProcess}`, "--net", "debmirror"],
      ...[`--host=${host}`, `--root=${pathname}`, "--method=http"],
      ...[`--dist=${scene.layout.suites.join(",")}`, `--section=${scene.layout.components.join(",")}`],
      ...["--arch=amd64", "--nosource", "--i18n", "--diff=none", "--rsync-extra=none"],
      ...[`--keyring=${keyring}`, target],
    ];
    return {
      sync: () => timed(argv, { env: { HOME: scene.directory, [markName]: target } }),
      mark: target,
      async check() {
        await command(["sha256sum", "--check", "--quiet"], { cwd: target, input: sums(scene) });
      },
    };
  },

  async reprepro(scene) {
    const directory = "/srv/bench/reprepro";
    const { fingerprint, publicArmored } = scene.archive.key;
    const { suites, components } = scene.layout;
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
Method: ${scene.url}
Suite: ${suite}
Components: ${components.join(" ")}
Architectures: amd64
VerifyRelease: ${fingerprint.slice(-16)}
`;
    await scene.onMirror(
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
        scene.timedOnMirror(
          `${markName}=${directory} GNUPGHOME=${directory}/gnupg reprepro --silent --basedir ${directory} update`,
        ),
      check: async () =>
        void (await scene.onMirror(`cd ${directory} && sha256sum --check --quiet`, sums(scene))),
    };
  },

  /** The limit: knows every path and digest beforehand, keeps no metadata and publishes nothing. */
  async curl(scene) {
    const target = "/srv/bench/curl";
    await scene.onMirror(`mkdir -p ${target}`);
    const urls = () =>
      scene.archive.packages.map(({ path }) => `url = "${scene.url}/${path}"\noutput = "${path}"\n`).join("");
    return {
      async sync() {
        await scene.onMirror(`cat >${target}/urls`, urls());
        await scene.onMirror(`cat >${target}/sums`, sums(scene));
        return await scene.timedOnMirror(
          `cd ${target}
curl --silent --show-error --fail --create-dirs --parallel --parallel-immediate --parallel-max 64 --config urls
sha256sum --check --quiet sums`,
        );
      },
      check: async () => void (await scene.onMirror(`cd ${target} && sha256sum --check --quiet sums`)),
    };
  },
};

/** This project's, signed by upstream or by the mirror. */
async function aptMirror(scene: Scene, signing: "mirror" | "upstream"): Promise<Contestant> {
  const directory = join(scene.directory, signing);
  mkdirSync(directory);
  const key = join(directory, "key.asc");
  writeFileSync(key, scene.archive.key.publicArmored);
  const stack = await benchStack(directory, join(import.meta.dirname, "program.ts"));
  await stack.configure({
    sshConfig: scene.lab.paths.sshConfig,
    upstream: scene.url,
    key,
    signing,
    layout: JSON.stringify(scene.layout),
  });
  return {
    mark: stack.directory,
    sync: () => stack.timed("up", "--yes", "--skip-preview"),
    look: () => stack.timed("preview", "--expect-no-changes"),
    job: () => scene.lastJob(),
    async check() {
      const list = scene.archive.packages
        .map(({ path, sha256 }) => `${sha256}  /srv/bench/${signing}/current/public/${path}\n`)
        .join("");
      await scene.onMirror("sha256sum --check --quiet", list);
    },
  };
}

/** What sha256sum checks: the published packages by their path below the archive. */
export function sums(scene: Scene): string {
  return scene.archive.packages.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");
}

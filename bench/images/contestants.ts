import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../lab/command.ts";
import type { DistantUpstream } from "../distant-upstream.ts";
import { type Seconds, timed } from "../measurement.ts";
import { type Peaks, peaksDuring } from "../memory.ts";
import { benchStack } from "../pulumi-project.ts";
import type { UpstreamStream } from "./upstream-stream.ts";

/** A mirror host with nothing on it, and the stream of images at some distance from it. */
export interface Setup extends DistantUpstream {
  /** What is published now. */
  stream: UpstreamStream;
}

/** A tool that mirrors the stream of a setup. */
export interface Contestant {
  /** Brings the mirror to what is published now. */
  sync(): Promise<Seconds>;
  /** The part of the last `sync` that ran on the mirror host. */
  job?(): Promise<Seconds>;
  /** Looks what a sync would do, for those that can. */
  look?(): Promise<Seconds>;
  /** Memory at the last `sync`. */
  peaks?(): Peaks | undefined;
  /** Throws unless all files that are published now are in the mirror, with the right digest. */
  check(): Promise<void>;
}

export type Tool = "mirror" | "curl" | "hashed" | "wget";

/** On all processors. */
const hashAll = `split --number=r/"$(nproc)" sums sums.
printf '%s\\n' sums.* | xargs -n 1 -P "$(nproc)" sha256sum --check --quiet`;

/** Transfers at once: as many as ImageMirror has by default. */
const parallel = 16;

/** Every tool, set up on a setup. */
export const contestants: Readonly<Record<Tool, (setup: Setup) => Promise<Contestant>>> = {
  async mirror(setup) {
    const directory = join(setup.directory, "mirror");
    mkdirSync(directory);
    const key = join(directory, "key.asc");
    writeFileSync(key, setup.stream.key.publicArmored);
    const stack = await benchStack(directory, join(import.meta.dirname, "program.ts"));
    await stack.configure({ sshConfig: setup.lab.paths.sshConfig, upstream: setup.url, key });
    let last: Peaks | undefined;
    return {
      async sync() {
        const [seconds, peaks] = await peaksDuring(directory, () =>
          stack.timed("up", "--yes", "--skip-preview"),
        );
        last = peaks;
        return seconds;
      },
      look: () => stack.timed("preview", "--expect-no-changes"),
      job: () => setup.lastJob(),
      peaks: () => last,
      check: async () =>
        void (await setup.onMirror(
          "cd /srv/bench/images/current/public && sha256sum --check --quiet",
          sums(setup),
        )),
    };
  },

  /** The limit: knows every path beforehand, and checks, keeps and publishes nothing. */
  curl: (setup) => curl(setup, "/srv/bench/curl", ""),
  hashed: (setup) => curl(setup, "/srv/bench/hashed", hashAll),

  /** One file after the other, on the mirror host's network: what sstream-mirror does, which knows the paths too. */
  async wget(setup) {
    const target = join(setup.directory, "wget");
    mkdirSync(target);
    const [urls, digests] = [join(setup.directory, "wget-urls"), join(setup.directory, "wget-sums")];
    const depth = new URL(setup.url).pathname.split("/").length - 1;
    const check = ["sha256sum", "--check", "--quiet", digests];
    return {
      async sync() {
        writeFileSync(urls, setup.stream.files.map(({ path }) => `${setup.url}/${path}\n`).join(""));
        writeFileSync(digests, sums(setup));
        const fetched = await timed(
          [
            ...["nsenter", `--target=${setup.mirrorProcess}`, "--net", "wget", "--no-verbose"],
            ...["--timestamping", "--force-directories", "--no-host-directories", `--cut-dirs=${depth}`],
            ...[`--input-file=${urls}`],
          ],
          { cwd: target },
        );
        return fetched + (await timed(check, { cwd: target }));
      },
      check: async () => void (await command(check, { cwd: target })),
    };
  },
};

async function curl(setup: Setup, target: string, after: string): Promise<Contestant> {
  await setup.onMirror(`mkdir -p ${target}`);
  return {
    async sync() {
      const urls = setup.stream.files.map(({ path }) => `url = "${setup.url}/${path}"\noutput = "${path}"\n`);
      await setup.onMirror(`cat >${target}/urls`, urls.join(""));
      await setup.onMirror(`cat >${target}/sums`, sums(setup));
      return setup.timedOnMirror(`cd ${target}
curl --silent --show-error --fail --create-dirs --parallel --parallel-immediate --parallel-max ${parallel} --config urls
${after}`);
    },
    // What it took is there for no more than one measurement.
    check: async () =>
      void (await setup.onMirror(`cd ${target} && sha256sum --check --quiet sums && rm -rf ${target}`)),
  };
}

/** What sha256sum checks: the files by their path below the stream's root. */
function sums(setup: Setup): string {
  return setup.stream.files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");
}

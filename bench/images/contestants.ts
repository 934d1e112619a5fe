import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../lab/command.ts";
import type { DistantUpstream } from "../distant-upstream.ts";
import { type Seconds, timed } from "../measurement.ts";
import { type Peaks, peaksDuring } from "../memory.ts";
import { benchStack } from "../pulumi-project.ts";
import type { UpstreamStream } from "./upstream-stream.ts";

/** A new mirror host, with latency between it and the stream of images. */
export interface Setup extends DistantUpstream {
  /** The published stream. */
  stream: UpstreamStream;
}

/** A tool that mirrors the stream of a setup. */
export interface Contestant {
  /** Brings the mirror to the published state. */
  sync(): Promise<Seconds>;
  /** The same when nothing has been published. Throws if the tool changes something. Default: `sync`. */
  noOp?(): Promise<Seconds>;
  /** The part of the last `sync` that ran on the mirror host. */
  job?(): Promise<Seconds>;
  /** Checks what a sync would do, if the tool can. */
  look?(): Promise<Seconds>;
  /** Memory at the last `sync`. */
  peaks?(): Peaks | undefined;
  /** Throws unless the mirror has all published files with the right digest. */
  check(): Promise<void>;
}

export type Tool = "mirror" | "curl" | "hashed" | "wget";

/** Uses all processors. */
const hashAll = `split --number=r/"$(nproc)" sums sums.
printf '%s\\n' sums.* | xargs -n 1 -P "$(nproc)" sha256sum --check --quiet`;

/** Simultaneous transfers: ImageMirror's default. */
const parallel = 16;

/** A function for each tool that prepares it on a setup. */
export const contestants: Readonly<Record<Tool, (setup: Setup) => Promise<Contestant>>> = {
  async mirror(setup) {
    const directory = join(setup.directory, "mirror");
    mkdirSync(directory);
    const key = join(directory, "key.asc");
    writeFileSync(key, setup.stream.key.publicArmored);
    const stack = await benchStack(directory, join(import.meta.dirname, "program.ts"));
    await stack.configure({ sshConfig: setup.lab.paths.sshConfig, upstream: setup.url, key });
    let last: Peaks | undefined;
    const up = async (...options: string[]) => {
      const [seconds, peaks] = await peaksDuring(directory, () =>
        stack.timed("up", "--yes", "--skip-preview", ...options),
      );
      last = peaks;
      return seconds;
    };
    return {
      sync: () => up(),
      noOp: () => up("--expect-no-changes"),
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

  /** The lower limit: gets every path in advance. It does not check, keep or publish anything. */
  curl: (setup) => curl(setup, "/srv/bench/curl", ""),
  hashed: (setup) => curl(setup, "/srv/bench/hashed", hashAll),

  /**
   * Fetches one file after the other, like sstream-mirror, but gets the paths in advance. Uses the mirror
   * host's network.
   */
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
    // The files are deleted, because each run is a first sync.
    check: async () =>
      void (await setup.onMirror(`cd ${target} && sha256sum --check --quiet sums && rm -rf ${target}`)),
  };
}

/** The input of sha256sum: the files by their path below the stream's root. */
function sums(setup: Setup): string {
  return setup.stream.files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");
}

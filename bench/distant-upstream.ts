import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExplainedError } from "../errors/explained-error.ts";
import { leaderIn } from "../lab/cgroups.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { hostCgroup } from "../lab/machine.ts";
import { distance } from "./distance.ts";
import type { Seconds } from "./measurement.ts";

/** A new mirror host, with latency between it and `upstream`. */
export interface DistantUpstream {
  readonly lab: Lab;
  readonly directory: string;
  /** The URL of the published files, for use on the mirror host. */
  readonly url: string;
  /** A process in the mirror host's network namespace. */
  readonly mirrorProcess: number;
  /** The server's requests and bytes since the last call. */
  traffic(): Promise<{ readonly requests: number; readonly bytes: number }>;
  /** Runs a script on the mirror host as root. Throws if it fails. */
  onMirror(script: string, input?: string): Promise<string>;
  /** Runs a script and returns how long it took. */
  timedOnMirror(script: string): Promise<Seconds>;
  /** How long the last job of a resource on the mirror host took. */
  lastJob(): Promise<Seconds>;
  close(): Promise<void>;
}

interface UpstreamOptions {
  /** Latency of a round trip, in milliseconds. */
  readonly roundTrip: number;
  /** The directory in the lab's archive that is published, e.g. `bench`. */
  readonly published: string;
  /** Packages that are installed before the measurement, because all tools need them. */
  readonly installed: readonly string[];
}

const distantPort = 8050;

/** Boots the lab `name` on new disks. */
export async function distantUpstream(name: string, options: UpstreamOptions): Promise<DistantUpstream> {
  const { roundTrip, published, installed } = options;
  await labDown(name);
  const lab = await labUp(name, { hosts: ["upstream", "mirror"] });
  const address = lab.address("upstream", "outside");
  const proxy =
    roundTrip === 0
      ? undefined
      : await distance({
          listen: `${address}:${distantPort}`,
          to: `${address}:80`,
          roundTrip,
          inNetworkOf: processOf(lab, "upstream"),
        });
  const log = join(lab.paths.hosts, "upstream", "upper", "var/log/nginx/archive.log");
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  const onMirror = async (script: string, input = "") => {
    const { code, stdout, stderr } = await lab.sh("mirror", `set -eu\n${script}`, { input });
    if (code === 0) return stdout;
    throw new ExplainedError({
      host: "mirror",
      step: `running ${script.slice(0, 200)}`,
      found: `exit code ${code}: ${`${stdout}${stderr}`.trim().slice(-1500)}`,
      remedy: "The measured program must work. Run it by hand to find the cause.",
    });
  };
  await onMirror(`apt-get -q update && apt-get -q -y --no-install-recommends install ${installed.join(" ")}`);
  return {
    lab,
    directory,
    url: `http://${address}${proxy ? `:${distantPort}` : ""}/${published}`,
    mirrorProcess: processOf(lab, "mirror"),
    async traffic() {
      const lines = readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line.includes(`/${published}/`));
      truncateSync(log);
      const bytes = lines.map((line) => Number(/" \d{3} (\d+) /.exec(line)?.[1] ?? 0));
      return { requests: lines.length, bytes: bytes.reduce((sum, each) => sum + each, 0) };
    },
    onMirror,
    async timedOnMirror(script) {
      const start = performance.now();
      await onMirror(script);
      return (performance.now() - start) / 1000;
    },
    async lastJob() {
      // A job's folder has its arguments and, after its end, its exit status.
      const times = await onMirror(
        `cd /run/airgapped-maas/jobs && stat --format=%.Y */run-*/wrapper */run-*/status | sort -n`,
      );
      const [start = Number.NaN, end = Number.NaN] = times.trim().split("\n").map(Number).slice(-2);
      return end - start;
    },
    async close() {
      await proxy?.close();
      await labDown(name);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function processOf(lab: Lab, host: string): number {
  const leader = leaderIn(hostCgroup(lab.paths, host));
  if (leader !== undefined) return leader;
  throw new ExplainedError({
    host,
    step: "entering its network namespace",
    found: "it is not running",
    remedy: "See its console.log in the lab's directory.",
  });
}

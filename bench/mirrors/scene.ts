import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExplainedError } from "../../errors/explained-error.ts";
import { leaderIn } from "../../lab/cgroups.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { hostCgroup } from "../../lab/machine.ts";
import { distance } from "../distance.ts";
import { publishArchive, type UpstreamArchive } from "./upstream-archive.ts";

/** A mirror host with nothing on it, and an archive at some distance from it. */
export interface Scene {
  readonly lab: Lab;
  readonly directory: string;
  /** The archive's URL, as the mirror host may use it. */
  readonly url: string;
  /** The process whose network namespace is the mirror host's. */
  readonly mirrorProcess: number;
  /** What is published now. */
  archive: UpstreamArchive;
  /** Publishes the next edition: one package has a new version. */
  moveOn(): Promise<void>;
  /** Requests and bytes that the archive's server has answered with since this was last asked. */
  traffic(): Promise<{ readonly requests: number; readonly bytes: number }>;
  /** Runs a script on the mirror host as root. Throws where it fails. */
  onMirror(script: string, input?: string): Promise<string>;
  close(): Promise<void>;
}

const distantPort = 8050;

/** Boots the lab `name` anew with the first edition published, `roundTrip` ms away from the mirror host. */
export async function freshScene(name: string, roundTrip: number): Promise<Scene> {
  await labDown(name);
  const lab = await labUp(name, { hosts: ["upstream", "mirror"] });
  const archive = await publishArchive(lab, 0);
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
  let edition = 0;
  const log = join(lab.paths.hosts, "upstream", "upper", "var/log/nginx/archive.log");
  const onMirror = async (script: string, input = "") => {
    const { code, stdout, stderr } = await lab.sh("mirror", `set -eu\n${script}`, { input });
    if (code === 0) return stdout;
    throw new ExplainedError({
      host: "mirror",
      step: `running ${script.slice(0, 200)}`,
      found: `exit code ${code}: ${`${stdout}${stderr}`.trim().slice(-1500)}`,
      remedy: "What is measured must work first: run it by hand.",
    });
  };
  // What all of them need is no part of what is measured.
  await onMirror(
    "apt-get -q update && apt-get -q -y --no-install-recommends install nginx reprepro gnupg xz-utils curl ca-certificates",
  );
  const scene: Scene = {
    lab,
    directory: mkdtempSync(join(tmpdir(), "bench-")),
    url: `http://${address}${proxy ? `:${distantPort}` : ""}/bench`,
    mirrorProcess: processOf(lab, "mirror"),
    archive,
    async moveOn() {
      edition++;
      scene.archive = await publishArchive(lab, edition);
    },
    async traffic() {
      const lines = readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line.includes("/bench/"));
      truncateSync(log);
      const bytes = lines.map((line) => Number(/" \d{3} (\d+) /.exec(line)?.[1] ?? 0));
      return { requests: lines.length, bytes: bytes.reduce((sum, each) => sum + each, 0) };
    },
    onMirror,
    async close() {
      await proxy?.close();
      await labDown(name);
      rmSync(scene.directory, { recursive: true, force: true });
    },
  };
  return scene;
}

function processOf(lab: Lab, host: string): number {
  const leader = leaderIn(hostCgroup(lab.paths, host));
  if (leader !== undefined) return leader;
  throw new ExplainedError({
    host,
    step: "entering its network",
    found: "it is not running",
    remedy: "See its console.log in the lab's directory.",
  });
}

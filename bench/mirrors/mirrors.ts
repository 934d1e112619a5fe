import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { median, say } from "../measurement.ts";
import { machineHas, versionOf } from "../other-tools.ts";
import { benchStack } from "../pulumi-project.ts";
import { atLeast, atMost, type Section, type Verdict } from "../report.ts";
import { Results as AnyResults } from "../results.ts";
import { type Contestant, contestants, type Tool } from "./contestants.ts";
import { freshSetup, type Setup } from "./setup.ts";
import { packageCount, suiteName } from "./upstream-archive.ts";

const tools: readonly Tool[] = ["curl", "upstream-signed", "debmirror", "mirror-signed", "reprepro"];
const latencies = [0, 50];
const cases = ["first sync", "no-op", "no-op, looking only", "one package changed"] as const;
type Case = (typeof cases)[number];

/** Measurements at one latency. */
class Results extends AnyResults<Tool, Case> {
  /** Bytes of a changed package and of all indices of its suite. */
  changeBytes = 0;
}

/** Mirrors one archive with every tool. `runs`: the number of first syncs, and of all other runs. */
export async function measureMirrors(
  runs: { readonly first: number; readonly rest: number },
  lab = "bench",
): Promise<Omit<Section, "command" | "machine">> {
  await machineHas("debmirror", "dpkg-dev");
  const results = new Map<number, Results>();
  for (const latency of latencies) {
    const found = new Results();
    results.set(latency, found);
    for (let run = 1; run <= runs.first; run++) {
      const setup = await freshSetup(lab, latency);
      try {
        await measureSetup(setup, latency, found, run === runs.first ? runs.rest : 0);
      } finally {
        await setup.close();
      }
    }
  }
  const rows = (result: Results) =>
    tools.flatMap((tool) => {
      const ours = tool === "upstream-signed" || tool === "mirror-signed";
      const row = (name: string, part: "seconds" | "job" | "bytes") => result.row(name, tool, cases, part);
      return [
        row(ours ? `AptMirror ${tool}, the whole \`up\`` : (names[tool] ?? tool), "seconds"),
        ...(ours ? [row(`AptMirror ${tool}, the job alone`, "job")] : []),
        row(`${ours ? `AptMirror ${tool}` : (names[tool] ?? tool)}: MB from upstream`, "bytes"),
      ];
    });
  return {
    title: "Mirrors",
    introduction: `An archive of ${packageCount} packages of 100 kB (${megabytes(results)} MB) is served by nginx on the lab's
\`upstream\` and mirrored onto \`mirror\`, with the latency between the two. The other tools are debmirror ${await versionOf("debmirror")} and reprepro
of Debian, which fetches itself. The lower limit is curl with all names given, 64 transfers at once, and then sha256sum.
The packages of every mirror are compared with upstream's digests, outside the measured time. "The whole
\`up\`" is \`pulumi up --skip-preview\`, "looking only" is \`pulumi preview\`. The CLI alone takes
${latencies.map((each) => `${median(results.get(each)?.cli ?? []).toFixed(2)} s`).join(" and ")} for a stack of five dynamic
resources without work. First syncs are the
median of ${runs.first}, the others of ${runs.rest}.`,
    tables: latencies.map((latency) => ({
      caption: `Seconds at ${latency} ms:`,
      head: ["", ...cases],
      rows: rows(results.get(latency) ?? new Results()),
    })),
    verdicts: verdicts(results),
  };
}

const names: Readonly<Partial<Record<Tool, string>>> = {
  curl: "curl and sha256sum",
  reprepro: "reprepro update",
};

async function measureSetup(setup: Setup, latency: number, results: Results, rest: number): Promise<void> {
  const ready = new Map<Tool, Contestant>();
  for (const tool of tools) ready.set(tool, await contestants[tool](setup));
  const measure = async (tool: Tool, which: Case) => {
    const contestant = ready.get(tool);
    const look = which === "no-op, looking only";
    if (contestant === undefined || (look && !contestant.look)) return;
    await setup.traffic();
    const measured = results.of(tool, which);
    const noOp = which === "no-op" ? contestant.noOp : undefined;
    const seconds = await (look ? contestant.look?.() : (noOp ?? contestant.sync)());
    if (seconds === undefined) return;
    measured.seconds.push(seconds);
    const { bytes, requests } = await setup.traffic();
    measured.bytes.push(bytes);
    measured.requests.push(requests);
    const worked = which === "first sync" || which === "one package changed";
    const job = worked ? await contestant.job?.() : undefined;
    if (job !== undefined) measured.job.push(job);
    say(
      `${tool}, ${latency} ms, ${which}: ${seconds.toFixed(2)} s${job === undefined ? "" : `, of which the job ${job.toFixed(2)} s`}, ${requests} requests, ${(bytes / 1e6).toFixed(2)} MB`,
    );
    await contestant.check();
  };
  const nothing = await benchStack(
    join(setup.directory, "nothing"),
    join(import.meta.dirname, "..", "nothing.ts"),
  );
  await nothing.timed("up", "--yes", "--skip-preview");
  results.cli.push(await nothing.timed("up", "--yes", "--skip-preview"));
  for (const tool of tools) await measure(tool, "first sync");
  for (let run = 0; run < rest; run++) {
    // curl does not compare with existing files: it has only the first case.
    for (const tool of tools) {
      if (tool === "curl") continue;
      await measure(tool, "no-op");
      await measure(tool, "no-op, looking only");
    }
    await setup.publishNext();
    results.changeBytes = setup.archive.changedBytes + indexBytes(setup);
    for (const tool of tools) if (tool !== "curl") await measure(tool, "one package changed");
  }
}

/** Bytes of all indices of the suite, once each. */
function indexBytes(setup: Setup): number {
  const dists = join(setup.lab.paths.archive, "bench", "dists", suiteName);
  return readdirSync(dists, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("/by-hash"))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function megabytes(results: ReadonlyMap<number, Results>): string {
  const [result] = results.values();
  return (median(result?.of("curl", "first sync").bytes ?? []) / 1e6).toFixed(0);
}

function verdicts(results: ReadonlyMap<number, Results>): Verdict[] {
  const at = (latency: number) => results.get(latency) ?? new Results();
  const first = "first sync";
  return [
    ...latencies.map((latency) =>
      atMost(
        `upstream-signed, ${latency} ms: first sync, job compared to curl and sha256sum`,
        at(latency).job("upstream-signed", first) / at(latency).seconds("curl", first),
        1.5,
        "times",
      ),
    ),
    atLeast(
      "upstream-signed, 0 ms: first sync, debmirror compared to the job",
      at(0).seconds("debmirror", first) / at(0).job("upstream-signed", first),
      1,
    ),
    atLeast(
      "upstream-signed, 50 ms: first sync, debmirror compared to the whole `up`",
      at(50).seconds("debmirror", first) / at(50).seconds("upstream-signed", first),
      15,
    ),
    ...(["upstream-signed", "mirror-signed"] as const).flatMap((tool) =>
      latencies.flatMap((latency) => [
        atMost(
          `${tool}, ${latency} ms: no-op, without the time of the CLI alone`,
          at(latency).seconds(tool, "no-op") - median(at(latency).cli),
          1,
          "s",
        ),
        atMost(
          `${tool}, ${latency} ms: bytes for one change, compared to the package with all indices`,
          median(at(latency).of(tool, "one package changed").bytes) / at(latency).changeBytes,
          1.05,
          "times",
        ),
      ]),
    ),
    atLeast(
      "mirror-signed, 50 ms: first sync, reprepro compared to the whole `up`",
      at(50).seconds("reprepro", first) / at(50).seconds("mirror-signed", first),
      10,
    ),
    atMost(
      "mirror-signed, 0 ms: first sync, the whole `up` compared to reprepro",
      at(0).seconds("mirror-signed", first) / at(0).seconds("reprepro", first),
      1.5,
      "times",
    ),
  ];
}

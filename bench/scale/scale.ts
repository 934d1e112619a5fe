import { processesIn } from "../../lab/cgroups.ts";
import { hostCgroup } from "../../lab/machine.ts";
import { distantUpstream } from "../distant-upstream.ts";
import { median, say } from "../measurement.ts";
import { markedProcesses, type Peaks, peaksDuring, residentDuring } from "../memory.ts";
import { type Contestant, contestants } from "../mirrors/contestants.ts";
import { installed, type Setup } from "../mirrors/setup.ts";
import { machineHas, versionOf } from "../other-tools.ts";
import { atMost, type Section, type Verdict } from "../report.ts";
import { Results as AnyResults } from "../results.ts";
import { aptly } from "./aptly.ts";
import { changedCount, layout, publishLargeArchive } from "./upstream-archive.ts";

type Tool = "upstream-signed" | "mirror-signed" | "debmirror" | "aptly" | "reprepro";
const ours: readonly Tool[] = ["upstream-signed", "mirror-signed"];
const cases = ["first sync", "no-op", "no-op, looking only", `${changedCount} packages changed`] as const;
type Case = (typeof cases)[number];
const [first, , , changed] = cases;

/**
 * The maximum memory, in MB of 10^6 bytes: `program`, `provider`, and `work` (all processes that mirror,
 * together).
 */
class Results extends AnyResults<Tool, Case> {
  readonly #memory = new Map<string, number>();

  saw(tool: Tool, which: Case, part: keyof Peaks | "work", megabytes: number): void {
    const key = `${tool} ${which} ${part}`;
    this.#memory.set(key, Math.max(this.#memory.get(key) ?? 0, megabytes));
  }

  memory(tool: Tool, which: Case, part: keyof Peaks | "work"): number | undefined {
    return this.#memory.get(`${tool} ${which} ${part}`);
  }
}

interface Scale {
  /** @default 100,000 */
  readonly packages?: number;
  /** @default all */
  readonly tools?: readonly Tool[];
}

/**
 * Mirrors an archive with as many packages as Ubuntu's, without latency. `rest`: the number of runs after a
 * first sync.
 */
export async function measureScale(
  rest: number,
  {
    packages = 100_000,
    tools = ["upstream-signed", "debmirror", "mirror-signed", "aptly", "reprepro"],
  }: Scale = {},
  lab = "bench",
): Promise<Omit<Section, "command" | "machine">> {
  await machineHas("debmirror", "aptly", "dpkg-dev");
  const results = new Results();
  const setup = await freshSetup(lab, packages);
  try {
    const bytes = await measureSetup(setup, tools, results, rest);
    return {
      title: "A large archive",
      introduction: `An archive of ${packages} packages of 1 kB (${(bytes / 1e6).toFixed(0)} MB) in ${layout.suites.length} suites of ${layout.components.length} components is served by nginx on the
lab's \`upstream\` and mirrored onto \`mirror\`, without latency: the number of packages determines the time. The other tools
are debmirror ${await versionOf("debmirror")}, aptly ${await versionOf("aptly", "version")} without signing, and reprepro of Debian, which fetches itself. The changed packages are
spread over all indices. The packages of every mirror are compared with upstream's digests, outside the measured
time. "The whole \`up\`" is \`pulumi up --skip-preview\`, "looking only" is \`pulumi preview\`. All times except first syncs are the median of ${rest}.`,
      tables: [
        {
          caption: "Seconds:",
          head: ["", ...cases],
          rows: tools.flatMap((tool) => {
            const row = (name: string, part: "seconds" | "job") => results.row(name, tool, cases, part);
            if (!ours.includes(tool)) return [row(tool, "seconds")];
            return [
              row(`AptMirror ${tool}, the whole \`up\``, "seconds"),
              row(`AptMirror ${tool}, the job alone`, "job"),
            ];
          }),
        },
        {
          caption:
            "The most resident memory, in MB: of the program, of the provider, and of all processes of a job or of another tool together:",
          head: ["", ...cases],
          rows: tools.flatMap((tool) => {
            const row = (name: string, part: keyof Peaks | "work") => [
              name,
              ...cases.map((which) => results.memory(tool, which, part)?.toFixed(0) ?? ""),
            ];
            if (!ours.includes(tool)) return [row(tool, "work")];
            return [
              row(`AptMirror ${tool}: program`, "program"),
              row(`AptMirror ${tool}: provider`, "provider"),
              row(`AptMirror ${tool}: job`, "work"),
            ];
          }),
        },
      ],
      verdicts: verdicts(results, tools),
    };
  } finally {
    await setup.close();
  }
}

async function freshSetup(lab: string, packages: number): Promise<Setup> {
  const upstream = await distantUpstream(lab, { roundTrip: 0, published: "scale", installed });
  let edition = 0;
  const setup: Setup = {
    ...upstream,
    layout,
    archive: await publishLargeArchive(upstream.lab, packages, edition),
    async publishNext() {
      edition++;
      setup.archive = await publishLargeArchive(upstream.lab, packages, edition);
    },
  };
  return setup;
}

/** Returns the number of bytes of the archive. */
async function measureSetup(
  setup: Setup,
  tools: readonly Tool[],
  results: Results,
  rest: number,
): Promise<number> {
  const { bytes } = setup.archive;
  const ready = new Map<Tool, Contestant>();
  for (const tool of tools)
    ready.set(tool, await (tool === "aptly" ? aptly(setup) : contestants[tool](setup)));
  const onHost = () => processesIn(hostCgroup(setup.lab.paths, "mirror"));
  const measure = async (tool: Tool, which: Case) => {
    const contestant = ready.get(tool);
    const look = which === "no-op, looking only";
    if (contestant === undefined || (look && !contestant.look)) return;
    const mark = contestant.mark ?? "";
    const run = async () => (look ? await contestant.look?.() : await contestant.sync());
    const isOurs = ours.includes(tool);
    const working = isOurs ? onHost : markedProcesses(mark);
    const [[seconds = Number.NaN, peaks], work] = await residentDuring(working, () => peaksDuring(mark, run));
    results.of(tool, which).seconds.push(seconds);
    results.saw(tool, which, "work", work);
    if (isOurs)
      for (const part of ["program", "provider"] as const) results.saw(tool, which, part, peaks[part]);
    const job = which === first || which === changed ? await contestant.job?.() : undefined;
    if (job !== undefined) results.of(tool, which).job.push(job);
    say(
      `${tool}, ${which}: ${seconds.toFixed(2)} s${job === undefined ? "" : `, of which the job ${job.toFixed(2)} s`}, ${work.toFixed(0)} MB${isOurs ? `, program ${peaks.program.toFixed(0)} MB, provider ${peaks.provider.toFixed(0)} MB` : ""}`,
    );
    await contestant.check();
  };
  for (const tool of tools) await measure(tool, first);
  for (let run = 0; run < rest; run++) {
    for (const tool of tools) {
      await measure(tool, "no-op");
      await measure(tool, "no-op, looking only");
    }
    await setup.publishNext();
    for (const tool of tools) await measure(tool, changed);
  }
  return bytes;
}

function verdicts(results: Results, tools: readonly Tool[]): Verdict[] {
  const took = (tool: Tool) => median(results.of(tool, changed).seconds);
  const compared = ours.every((tool) => tools.includes(tool))
    ? [
        atMost(
          `mirror-signed: ${changed}, compared to upstream-signed`,
          took("mirror-signed") / took("upstream-signed"),
          1.5,
          "times",
        ),
      ]
    : [];
  const mine = ours.filter((tool) => tools.includes(tool));
  return [
    ...compared,
    ...mine.map((tool) =>
      atMost(
        `${tool}: memory of the program`,
        Math.max(...cases.map((which) => results.memory(tool, which, "program") ?? 0)),
        400,
        "MB",
      ),
    ),
  ];
}

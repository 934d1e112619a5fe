import { median, type Seconds, say } from "../measurement.ts";
import { hasPyinfra, machineHas, pyinfra, versionOf } from "../other-tools.ts";
import type { Section, Verdict } from "../report.ts";
import { contestants, type Tool } from "./contestants.ts";
import { desiredState } from "./desired-state.ts";
import { freshSetup } from "./setup.ts";

const tools: readonly Tool[] = ["airgapped-maas", "pyinfra", "ansible"];
const latencies = [0, 50];
const cases = ["first apply", "no-op, looking only", "no-op, applying", "one file changed"] as const;
type Case = (typeof cases)[number];

/** Medians by latency, tool and case. */
type Results = ReadonlyMap<number, ReadonlyMap<Tool, Readonly<Record<Case, Seconds>>>>;

/**
 * Brings three hosts to the same state with every tool. `runs`: the number of first applies, and of all other
 * runs.
 */
export async function measureHosts(
  runs: { readonly first: number; readonly rest: number },
  lab = "bench",
): Promise<Omit<Section, "command" | "machine">> {
  await machineHas("ansible-core");
  await hasPyinfra();
  const results = new Map<number, Map<Tool, Record<Case, Seconds>>>();
  for (const latency of latencies) {
    const ofLatency = new Map<Tool, Record<Case, Seconds>>();
    results.set(latency, ofLatency);
    for (const tool of tools) ofLatency.set(tool, await measureTool(tool, latency, runs, lab));
  }
  const versions = { ansible: await versionOf("ansible"), pyinfra: await versionOf(pyinfra) };
  return {
    title: "Three hosts",
    introduction: `The task is the same desired state (20 files, 5 packages, 3 services with their unit files) on each of three newly
installed hosts. It is done by this project's \`Files\`, \`Packages\` and \`Services\`, by Ansible ${versions.ansible} (pipelining,
ControlPersist, no fact gathering) and by pyinfra ${versions.pyinfra}. A time counts only after a check of the result on the hosts.
"Looking only" is \`pulumi preview\` with its refresh, \`ansible-playbook --check\` and \`pyinfra --dry\`.
"Applying" is \`pulumi up --skip-preview\`, \`ansible-playbook\` and \`pyinfra -y\`. The one changed file is changed on
every host. First applies are the median of ${runs.first}, the others of ${runs.rest}.`,
    tables: latencies.map((latency) => ({
      caption: `Seconds at ${latency} ms (in brackets: compared to airgapped-maas):`,
      head: ["", ...tools],
      rows: cases.map((each) => [each, ...tools.map((tool) => cell(results, latency, tool, each))]),
    })),
    verdicts: verdicts(results),
  };
}

async function measureTool(
  tool: Tool,
  latency: number,
  runs: { readonly first: number; readonly rest: number },
  lab: string,
): Promise<Record<Case, Seconds>> {
  const times: Record<Case, Seconds[]> = {
    "first apply": [],
    "no-op, looking only": [],
    "no-op, applying": [],
    "one file changed": [],
  };
  for (let run = 1; run <= runs.first; run++) {
    const setup = await freshSetup(lab, latency);
    try {
      const contestant = await contestants[tool](setup);
      const measure = async (which: Case, what: () => Promise<Seconds>) => {
        const seconds = await what();
        times[which].push(seconds);
        say(`${tool}, ${latency} ms, ${which}: ${seconds.toFixed(2)} s`);
      };
      await measure("first apply", () => contestant.apply(desiredState(0)));
      await setup.check(desiredState(0));
      if (run < runs.first) continue;
      for (let edition = 0; edition < runs.rest; edition++) {
        await measure("no-op, looking only", () => contestant.look(desiredState(edition)));
        await measure("no-op, applying", () => contestant.apply(desiredState(edition)));
        await measure("one file changed", () => contestant.apply(desiredState(edition + 1)));
        await setup.check(desiredState(edition + 1));
      }
    } finally {
      await setup.close();
    }
  }
  return Object.fromEntries(cases.map((each) => [each, median(times[each])])) as Record<Case, Seconds>;
}

function secondsIn(results: Results, latency: number, tool: Tool, which: Case): Seconds {
  return results.get(latency)?.get(tool)?.[which] ?? Number.NaN;
}

function cell(results: Results, latency: number, tool: Tool, which: Case): string {
  const seconds = secondsIn(results, latency, tool, which);
  const ours = secondsIn(results, latency, "airgapped-maas", which);
  return tool === "airgapped-maas"
    ? seconds.toFixed(2)
    : `${seconds.toFixed(2)} (${(seconds / ours).toFixed(1)})`;
}

function verdicts(results: Results): Verdict[] {
  const goal = (which: Case, other: Tool, latency: number, atLeast: number): Verdict => {
    const ratio =
      secondsIn(results, latency, other, which) / secondsIn(results, latency, "airgapped-maas", which);
    return {
      goal: `${which}: ${other} takes at least ${atLeast} times as long at ${latency} ms`,
      measured: `${ratio.toFixed(2)} times`,
      met: ratio >= atLeast,
    };
  };
  return [
    ...(["no-op, looking only", "one file changed"] as const).flatMap((which) => [
      ...latencies.map((latency) => goal(which, "ansible", latency, 10)),
      goal(which, "pyinfra", 0, 1),
      goal(which, "pyinfra", 50, 3),
    ]),
    ...latencies.map((latency) => goal("first apply", "pyinfra", latency, 1)),
  ];
}

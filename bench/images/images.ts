import { join } from "node:path";
import { distantUpstream } from "../distant-upstream.ts";
import { median, say } from "../measurement.ts";
import type { Peaks } from "../memory.ts";
import { machineHas, versionOf } from "../other-tools.ts";
import { benchStack } from "../pulumi-project.ts";
import { atMost, type Section, type Verdict } from "../report.ts";
import { Results as AnyResults } from "../results.ts";
import { type Contestant, contestants, type Setup, type Tool } from "./contestants.ts";
import { bytesOf, publishStream, streamName } from "./upstream-stream.ts";

const tools: readonly Tool[] = ["curl", "hashed", "mirror", "wget"];
const latencies = [0, 50];
const cases = ["first sync", "no-op", "no-op, looking only", "one new serial"] as const;
type Case = (typeof cases)[number];

/** Measurements at one latency. */
class Results extends AnyResults<Tool, Case> {
  readonly peaks: { readonly which: Case; readonly peaks: Peaks }[] = [];
  files = 0;
  bytes = 0;
  /** Bytes of a new serial, with the stream's metadata. */
  newBytes = 0;
}

const names: Readonly<Record<Tool, string>> = {
  mirror: "ImageMirror",
  curl: "curl alone",
  hashed: "curl, then sha256sum",
  wget: "wget, one at a time, then sha256sum",
};

/** Mirrors one stream of images with every tool. `runs`: the number of first syncs, and of all other runs. */
export async function measureImages(
  runs: { readonly first: number; readonly rest: number },
  lab = "bench",
): Promise<Omit<Section, "command" | "machine">> {
  await machineHas("wget");
  const results = new Map<number, Results>();
  for (const latency of latencies) {
    const found = new Results();
    results.set(latency, found);
    for (let run = 1; run <= runs.first; run++) {
      const upstream = await distantUpstream(lab, {
        roundTrip: latency,
        published: streamName,
        installed: ["nginx", "curl", "ca-certificates"],
      });
      try {
        const setup: Setup = { ...upstream, stream: await publishStream(upstream.lab, 0) };
        await measureSetup(setup, latency, found, run === runs.first ? runs.rest : 0);
      } finally {
        await upstream.close();
      }
    }
  }
  const [result = new Results()] = results.values();
  const peaks = (which: Case, process: keyof Peaks) =>
    Math.max(
      ...[...results.values()]
        .flatMap((each) => each.peaks)
        .filter((each) => each.which === which)
        .map((each) => each.peaks[process]),
    ).toFixed(0);
  return {
    title: "Images",
    introduction: `A stream of ${result.files} files of images (${(result.bytes / 1e9).toFixed(2)} GB) in three product files, one of them as large as the real one
(10 MB), is served by nginx on the lab's \`upstream\` and mirrored onto \`mirror\`, with the latency between the two. The
other tools get every path in advance. The lower limit is curl, 16 transfers at once like ImageMirror, without a check of
the files. The second is the same, and then one hashing of the bytes. The third fetches one file at a time, as
sstream-mirror does: wget ${await versionOf("wget")} with time stamping, and then sha256sum. The files of every mirror are compared with
upstream's digests, outside the measured time. "The whole \`up\`" is \`pulumi up --skip-preview\`, "looking only" is
\`pulumi preview\`. The CLI alone takes
${latencies.map((each) => `${median(results.get(each)?.cli ?? []).toFixed(2)} s`).join(" and ")} for a stack of five dynamic resources without work. A new serial is one of noble for
amd64, with all kernels. First syncs are the median of ${runs.first}, the others of ${runs.rest}.`,
    tables: [
      ...latencies.map((latency) => ({
        caption: `Seconds at ${latency} ms:`,
        head: ["", ...cases],
        rows: rows(results.get(latency) ?? new Results()),
      })),
      {
        caption: "The most resident memory of a process, in MB:",
        head: ["", "first sync", "no-op", "one new serial"],
        rows: (["program", "provider"] as const).map((process) => [
          process,
          ...(["first sync", "no-op", "one new serial"] as const).map((which) => peaks(which, process)),
        ]),
      },
    ],
    verdicts: verdicts(results),
  };
}

function rows(result: Results): string[][] {
  return tools.flatMap((tool) => [
    result.row(tool === "mirror" ? "ImageMirror, the whole `up`" : names[tool], tool, cases, "seconds"),
    ...(tool === "mirror" ? [result.row("ImageMirror, the job alone", tool, cases, "job")] : []),
    ...(tool === "mirror" || tool === "wget"
      ? [
          result.row(`${names[tool]}: requests`, tool, cases, "requests"),
          result.row(`${names[tool]}: MB from upstream`, tool, cases, "bytes"),
        ]
      : []),
  ]);
}

async function measureSetup(setup: Setup, latency: number, results: Results, rest: number): Promise<void> {
  results.files = setup.stream.files.length;
  results.bytes = bytesOf(setup.stream.files);
  const ready = new Map<Tool, Contestant>();
  for (const tool of tools) ready.set(tool, await contestants[tool](setup));
  const measure = async (tool: Tool, which: Case) => {
    const contestant = ready.get(tool);
    const look = which === "no-op, looking only";
    if (contestant === undefined || (look && !contestant.look)) return;
    // A tool must not wait until data of the previous tool is written to disk.
    await setup.onMirror("sync");
    await setup.traffic();
    const measured = results.of(tool, which);
    const noOp = which === "no-op" ? contestant.noOp : undefined;
    const seconds = await (look ? contestant.look?.() : (noOp ?? contestant.sync)());
    if (seconds === undefined) return;
    measured.seconds.push(seconds);
    const { bytes, requests } = await setup.traffic();
    measured.bytes.push(bytes);
    measured.requests.push(requests);
    const worked = which === "first sync" || which === "one new serial";
    const job = worked ? await contestant.job?.() : undefined;
    if (job !== undefined) measured.job.push(job);
    const peaks = look ? undefined : contestant.peaks?.();
    if (peaks) results.peaks.push({ which, peaks });
    say(
      `${tool}, ${latency} ms, ${which}: ${seconds.toFixed(2)} s${job === undefined ? "" : `, of which the job ${job.toFixed(2)} s`}, ${requests} requests, ${(bytes / 1e6).toFixed(2)} MB${peaks ? `, program ${peaks.program.toFixed(0)} MB, provider ${peaks.provider.toFixed(0)} MB` : ""}`,
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
  if (rest === 0) return;
  // curl does not compare with existing files: it has only the first case.
  const others = ["mirror", "wget"] as const;
  for (let run = 0; run < rest; run++) {
    for (const tool of others) {
      await measure(tool, "no-op");
      await measure(tool, "no-op, looking only");
    }
  }
  setup.stream = await publishStream(setup.lab, 1);
  results.newBytes = setup.stream.newBytes + setup.stream.metadataBytes;
  for (const tool of others) await measure(tool, "one new serial");
}

function verdicts(results: ReadonlyMap<number, Results>): Verdict[] {
  const at = (latency: number) => results.get(latency) ?? new Results();
  const first = "first sync";
  const most = (which: readonly Case[]) =>
    Math.max(
      ...[...results.values()]
        .flatMap(({ peaks }) => peaks)
        .filter((each) => which.includes(each.which))
        .flatMap(({ peaks }) => [peaks.program, peaks.provider]),
    );
  return [
    ...latencies.map((latency) =>
      atMost(
        `${latency} ms: first sync, job compared to curl with one hashing`,
        at(latency).job("mirror", first) / at(latency).seconds("hashed", first),
        1.3,
        "times",
      ),
    ),
    ...latencies.flatMap((latency) => [
      atMost(
        `${latency} ms: no-op, without the time of the CLI alone`,
        at(latency).seconds("mirror", "no-op") - median(at(latency).cli),
        1,
        "s",
      ),
      {
        goal: `${latency} ms: requests of a no-op: 1, for the index`,
        measured: String(median(at(latency).of("mirror", "no-op").requests)),
        met: at(latency)
          .of("mirror", "no-op")
          .requests.every((count) => count === 1),
      },
      atMost(
        `${latency} ms: bytes for a new serial, compared to its files and the metadata`,
        median(at(latency).of("mirror", "one new serial").bytes) / at(latency).newBytes,
        1.05,
        "times",
      ),
    ]),
    atMost("memory of program and provider in a first sync", most([first]), 300, "MB"),
    atMost(
      "memory of program and provider in a no-op and with a new serial",
      most(["no-op", "one new serial"]),
      300,
      "MB",
    ),
  ];
}

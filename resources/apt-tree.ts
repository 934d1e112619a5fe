import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { defaultCache } from "../content/metadata-cache.ts";
import { ExplainedError } from "../errors/explained-error.ts";
import type { Probe } from "../hosts/host.ts";
import { sh } from "../hosts/shell.ts";
import { digestOf, type Publication, type SuiteSummary } from "./apt-tree/publication.ts";
import {
  leaveScript,
  observeScript,
  publishScript,
  removeScript,
  restoreScript,
} from "./apt-tree/scripts.ts";
import { defineResource, type Scene } from "./kernel/definition.ts";
import { DefinedResource } from "./kernel/resource.ts";
import { same } from "./kernel/stored-properties.ts";

const suite = z.strictObject({
  date: z.string(),
  release: z.string(),
  packages: z.number(),
  bytes: z.number(),
});

const inputs = z.object({
  host: z.string(),
  /** The mirror's directory on the host. */
  directory: z.string(),
  /** The store of its host, on the same file system. */
  store: z.string(),
  mode: z.enum(["resigned", "verbatim"]),
  /** Base URL, without a slash at its end. */
  upstream: z.string(),
  /** Digest of the publication that the preview made, kept in the workstation's metadata cache. */
  plan: z.string(),
  suites: z.record(z.string(), suite),
  packages: z.number(),
  bytes: z.number(),
  /** Whether every file of the published tree is there and right. */
  integrity: z.string().default("complete"),
  signing: z
    .strictObject({
      directory: z.string(),
      fingerprint: z.string(),
      validSeconds: z.number(),
      freshness: z.string().default("fresh"),
    })
    .optional(),
  pinnedTo: z.string().optional(),
  keepSnapshots: z.number(),
  fetch: z.strictObject({ parallel: z.number(), stallSeconds: z.number() }),
  deleteContent: z.boolean(),
});
type Inputs = z.output<typeof inputs>;

interface Outputs {
  /** The published tree's name below trees/. */
  readonly tree: string;
}

/** What a published tree says of itself: the inputs it was made from, less what only steers the work. */
type Summary = Pick<Inputs, "mode" | "upstream" | "plan" | "suites" | "packages" | "bytes"> & {
  readonly signing?: Pick<NonNullable<Inputs["signing"]>, "directory" | "fingerprint" | "validSeconds">;
  /** The kept tree that it is again, signed anew. */
  readonly restores?: string;
};

interface Found {
  readonly tree: string;
  readonly summary: Summary;
  readonly integrity: string;
  /** Seconds for which the signature is still good; undefined for ever. */
  readonly secondsLeft: number | undefined;
}

/** The published state of a mirror, as its host tells it. Undefined: nothing is published. */
export function publishedTree(directory: string): Probe<Found | undefined> {
  return { script: observeScript({ directory }), parse: parseFound };
}

function parseFound(output: string): Found | undefined {
  const [tree = "", summary = "", now, until, ...faults] = output.trimEnd().split("\n");
  if (tree === "absent") return undefined;
  const count = Number(faults.pop());
  const listed = faults.map((line) => line.split("\t").reverse().join(": ")).join(", ");
  return {
    tree,
    summary: JSON.parse(summary) as Summary,
    integrity:
      count === 0
        ? "complete"
        : `${count} ${count === 1 ? "file is" : "files are"} missing or wrong: ${listed}${count > 5 ? ", ..." : ""}`,
    secondsLeft: Number(until) > 0 ? Number(until) - Number(now) : undefined,
  };
}

export const aptTree = defineResource<Inputs, Outputs>({
  kind: "AptTree",
  version: 1,
  inputs,
  identity: ["directory"],

  async observe({ host }, declared) {
    const found = await host.facts(publishedTree(declared.directory));
    if (!found) return undefined;
    const { signing, restores, ...summary } = found.summary;
    return {
      inputs: {
        ...declared,
        ...summary,
        integrity: found.integrity,
        signing: signing && { ...signing, freshness: freshness(signing.validSeconds, found.secondsLeft) },
        pinnedTo: declared.pinnedTo && (restores ?? found.tree),
      },
      outputs: { tree: found.tree },
    };
  },

  async apply(scene, wanted, observed) {
    if (observed && !needsTree(wanted, observed.inputs)) return observed.outputs;
    if (wanted.pinnedTo) return restore(scene, wanted, wanted.pinnedTo);
    const publication = await loadPublication(wanted.plan);
    const summary = summaryText(wanted);
    await handOver(scene, wanted.store, [...publication.texts.values(), Buffer.from(summary)]);
    const { signing } = wanted;
    const script = publishScript({
      owner: scene.id,
      ...wanted,
      ...wanted.fetch,
      planText: publication.planText,
      contents: publication.contents,
      upstreamKey: publication.upstreamKey,
      summary: digestOf(summary),
      signing: signing && { ...signing, suites: publication.resign },
    });
    await runJob(scene, script, "publishing a tree", publication.texts.get(publication.workList));
    const published = await scene.host.facts(publishedTree(wanted.directory));
    if (published?.summary.plan !== wanted.plan) {
      throw new ExplainedError({
        step: "publishing a tree",
        found: `the job ended well, but ${published ? `${published.tree} is published, which is of another plan` : "nothing is published"}`,
        remedy: "Somebody else may have updated this mirror meanwhile: run the preview again.",
      });
    }
    return { tree: published.tree };
  },

  async remove(scene, declared) {
    const { directory, store, deleteContent } = declared;
    if (deleteContent) {
      await scene.host.run(removeScript({ ...declared, owner: scene.id }), { step: `removing ${directory}` });
      return;
    }
    await scene.host.run(leaveScript(declared), { step: `tidying ${directory}` });
    scene.warn(
      `The mirror's content stays on ${scene.host.name}: ${directory} (and ${store}). Set deleteContent to have it removed.`,
    );
  },
});

/** Whether what clients see has to change; the other inputs only steer how. */
function needsTree(wanted: Inputs, observed: Inputs): boolean {
  const visible = ({ plan, mode, integrity, signing, pinnedTo, keepSnapshots }: Inputs) =>
    JSON.parse(JSON.stringify({ plan, mode, integrity, signing, pinnedTo, keepSnapshots }));
  return !same(visible(wanted), visible(observed));
}

async function restore(scene: Scene, wanted: Inputs, tree: string): Promise<Outputs> {
  const { signing, mode } = wanted;
  const summary = summaryText(wanted, mode === "resigned" ? tree : undefined);
  await handOver(scene, wanted.store, [Buffer.from(summary)]);
  const script = restoreScript(
    {
      ...wanted,
      owner: scene.id,
      summary: digestOf(summary),
      signing: signing && { ...signing, suites: Object.keys(wanted.suites) },
    },
    tree,
  );
  await runJob(scene, script, "serving a kept tree again");
  const published = await scene.host.facts(publishedTree(wanted.directory));
  return { tree: published?.tree ?? tree };
}

function summaryText(wanted: Inputs, restores?: string): string {
  const { mode, upstream, plan, suites, packages, bytes, signing, keepSnapshots } = wanted;
  const { freshness: _, ...kept } = signing ?? {};
  return JSON.stringify({
    mode,
    upstream,
    plan,
    suites,
    packages,
    bytes,
    keepSnapshots,
    signing: signing && kept,
    restores,
  });
}

/** A signature is renewed in the last third of its validity, so that a mirror that is updated now and then never expires. */
function freshness(validSeconds: number, secondsLeft: number | undefined): string {
  if (validSeconds === 0 || secondsLeft === undefined || secondsLeft > validSeconds / 3) return "fresh";
  return secondsLeft > 0 ? `expires in ${Math.ceil(secondsLeft / 3600)} h` : "expired";
}

async function loadPublication(plan: string): Promise<Publication & { texts: Map<string, Buffer> }> {
  const cache = defaultCache();
  const load = async (digest: string) => {
    const bytes = await cache.get(digest);
    if (bytes) return bytes;
    throw new ExplainedError({
      step: "loading what the preview planned",
      found: `the plan ${plan.slice(0, 12)} is not complete in this workstation's cache (${digest.slice(0, 12)} is missing)`,
      remedy:
        "Run the update from the workstation that made the preview, or without a saved plan, so that it plans anew.",
    });
  };
  const publication = JSON.parse((await load(plan)).toString()) as Publication;
  const digests = new Set(
    [
      publication.planText,
      publication.workList,
      publication.contents,
      ...publication.seeds,
      publication.upstreamKey,
    ].filter(Boolean),
  );
  const texts = await Promise.all([...digests].map(async (digest) => [digest, await load(digest)] as const));
  return { ...publication, texts: new Map(texts) };
}

/** Puts what the workstation has into the host's store: small things in one script, large ones as files. */
async function handOver({ host }: Scene, store: string, texts: readonly Buffer[]): Promise<void> {
  const step = `handing the plan over to ${store}`;
  const path = (bytes: Buffer) => {
    const digest = digestOf(bytes);
    return `${store}/${digest.slice(0, 2)}/${digest}`;
  };
  const large = texts.filter((bytes) => bytes.length > 1 << 20);
  const directories = [...new Set(texts.map((bytes) => path(bytes).replace(/\/[^/]*$/, "")))];
  const small = texts
    .filter((bytes) => !large.includes(bytes))
    .map((bytes) => {
      const lines = bytes.toString("base64").replaceAll(/(.{76})/g, "$1\n");
      return `${sh`put ${path(bytes)}`} <<'end-of-text'\n${lines}\nend-of-text`;
    });
  const put = `put() { [ -e "$1" ] || { base64 -d >"$1.new.$$" && mv -f "$1.new.$$" "$1"; }; }`;
  await host.run(["set -e", sh`mkdir -p -- ${directories}`, put, ...small].join("\n"), { step });
  for (const bytes of large)
    await host.upload(bytes, path(bytes), { mode: 0o644, owner: "root", group: "root" });
}

async function runJob(
  { id, host, progress }: Scene,
  script: string,
  step: string,
  input?: Buffer,
): Promise<void> {
  const faults: string[] = [];
  const result = await host.job({
    name: id,
    script,
    ...(input ? { input } : {}),
    step,
    allowFailure: true,
    onProgress: (line) => {
      if (line.startsWith("progress ")) progress(line.slice("progress ".length));
      if (line.startsWith("fault ")) faults.push(line.slice("fault ".length));
    },
  });
  if (result.code === 0) return;
  throw new ExplainedError({
    host: host.name,
    step,
    found:
      faults.length > 0
        ? faults.join("\n    ")
        : `the job ended with status ${result.code}:\n    ${result.tail.slice(-8).join("\n    ")}`,
    remedy:
      faults.length > 0
        ? "What was served before is served unchanged. Run the update again when upstream is well; what has arrived is kept."
        : "What was served before is served unchanged. The lines above are the end of the job's output.",
  });
}

/** The content of an apt mirror on its host. Made by AptMirror. */
export class AptTree extends DefinedResource {
  declare readonly tree: pulumi.Output<string>;
  declare readonly plan: pulumi.Output<string>;
  declare readonly suites: pulumi.Output<Record<string, SuiteSummary>>;
  declare readonly packages: pulumi.Output<number>;
  declare readonly bytes: pulumi.Output<number>;

  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super(aptTree, name, args, ["tree"], options);
  }
}

import { ExplainedError } from "../../errors/explained-error.ts";
import type { Host, Probe } from "../../hosts/host.ts";
import { sh } from "../../hosts/shell.ts";
import { observeScript } from "./scripts.ts";

/** What every published tree says of itself; the kinds of trees add to it. */
export interface Summary {
  /** Digest of the publication it was made from. */
  readonly plan: string;
}

/** A published tree, as its host tells it. */
export interface Published<S extends Summary> {
  /** Its name below trees/. */
  readonly tree: string;
  readonly summary: S;
  /** `complete`, or what is missing or wrong. */
  readonly integrity: string;
  /** Seconds for which the signature is still good; undefined for ever. */
  readonly secondsLeft: number | undefined;
}

/** The published state of a mirror. Undefined: nothing is published. */
export function publishedTree<S extends Summary>(directory: string): Probe<Published<S> | undefined> {
  return { script: observeScript({ directory }), parse: parsePublished };
}

function parsePublished<S extends Summary>(output: string): Published<S> | undefined {
  const [tree = "", summary = "", now, until, ...faults] = output.trimEnd().split("\n");
  if (tree === "absent") return undefined;
  const count = Number(faults.pop());
  const listed = faults.map((line) => line.split("\t").reverse().join(": ")).join(", ");
  return {
    tree,
    summary: JSON.parse(summary) as S,
    integrity:
      count === 0
        ? "complete"
        : `${count} ${count === 1 ? "file is" : "files are"} missing or wrong: ${listed}${count > 5 ? ", ..." : ""}`,
    secondsLeft: Number(until) > 0 ? Number(until) - Number(now) : undefined,
  };
}

/** What a tree of the mirror says of itself; undefined where there is none. Its files are not looked at. */
export async function summaryOf<S extends Summary>(host: Host, tree: string): Promise<S | undefined> {
  const text = await host.facts({
    script: sh`cat ${`${tree}/summary.json`} 2>/dev/null || true`,
    parse: (output) => output,
  });
  return text ? (JSON.parse(text) as S) : undefined;
}

/**
 * What the preview that made a kept tree found out then, and the plan it made.
 *
 * @throws ExplainedError that names the trees there are
 */
export async function keptContents<Found>(
  host: Host,
  directory: string,
  name: string,
): Promise<{ readonly found: Found; readonly plan: string }> {
  const tree = `${directory}/trees/${name}`;
  const [summary, contents] = await Promise.all([
    summaryOf(host, tree),
    host.facts({
      script: sh`cat ${`${tree}/contents.json`} 2>/dev/null || ls ${`${directory}/trees`} 2>/dev/null || true`,
      parse: (output) => output,
    }),
  ]);
  if (summary && contents.startsWith("{"))
    return { found: JSON.parse(contents) as Found, plan: summary.plan };
  throw new ExplainedError({
    host: host.name,
    step: `looking for the kept tree ${name}`,
    found: `${directory}/trees has ${
      contents
        .trim()
        .split("\n")
        .filter((kept) => /^\d/.test(kept))
        .join(", ") || "no trees"
    }`,
    remedy: "Set pinnedTo to one of these, or take it out to follow upstream again.",
  });
}

import { z } from "zod";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { pathText } from "../../../errors/wrong-input.ts";
import type { Host, Probe } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import { foreignNamesScript, observeScript } from "./scripts.ts";

/** What every published snapshot says of itself; the kinds of trees add to it. */
export interface Summary {
  /** Digest of the publication it was made from. */
  readonly plan: string;
}

/** A published snapshot, as its host tells it. */
interface Published<S extends Summary> {
  /** Its name below trees/. */
  readonly tree: string;
  readonly summary: S;
  /** `integrity` where files are missing or wrong, or an update was cut off before its end. */
  readonly status: { readonly integrity?: string };
  /** Seconds for which the signature is still good; undefined for ever. */
  readonly secondsLeft: number | undefined;
}

/** JSON has no undefined: what is not given is not there. */
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** What a summary of any kind says. */
export const baseSummary = z.object({ plan: z.string() });

/**
 * The published state of a mirror. Undefined: nothing is published.
 *
 * @param schema What its summary may say; the rest of it counts for nothing.
 */
export function publishedTree<S extends Summary>(
  host: Pick<Host, "name">,
  directory: string,
  schema: z.ZodType<S>,
): Probe<Published<Given<S>> | undefined> {
  return {
    script: observeScript({ directory }),
    parse: (output) => {
      const [tree = "", summary = "", now, until, end, ...faults] = output.trimEnd().split("\n");
      if (tree === "absent") return undefined;
      const path = `${directory}/current/summary.json`;
      const count = Number(faults.pop());
      const listed = faults.map((line) => line.split("\t").reverse().join(": ")).join(", ");
      return {
        tree,
        summary: parsedAs(schema, jsonOf(summary, host, path), host, path) as Given<S>,
        status:
          count > 0
            ? {
                integrity: `${count} ${count === 1 ? "file is" : "files are"} missing or wrong: ${listed}${count > 5 ? ", ..." : ""}`,
              }
            : end === "finished"
              ? {}
              : { integrity: "an update was cut off before it had tidied up" },
        secondsLeft: Number(until) > 0 ? Number(until) - Number(now) : undefined,
      };
    },
  };
}

/** What the trees of a mirror say of themselves. Their files are not looked at. */
interface Summaries<S> {
  /** Undefined: nothing is published. */
  readonly published: S | undefined;
  /** Of all kept snapshots, the published one included. */
  readonly kept: readonly S[];
}

/**
 * Reads what is in a mirror's directory, to plan what comes next.
 *
 * @param schema What a summary may say; the rest of it counts for nothing.
 * @throws ExplainedError where there is something else in it, or a summary that no update has written
 */
export async function summariesOf<S>(
  host: Host,
  directory: string,
  schema: z.ZodType<S>,
): Promise<Summaries<S>> {
  const [summaries, foreign] = await Promise.all([
    host.facts({
      script: sh`cd ${directory} 2>/dev/null || exit 0
for each in current trees/[0-9]*; do
  [ ! -e "$each/summary.json" ] || { printf '%s\t' "$each"; cat "$each/summary.json"; echo; }
done`,
      parse: (output) =>
        output.split("\n").flatMap((line): [string, S][] => {
          const tab = line.indexOf("\t");
          if (tab < 0) return [];
          const name = line.slice(0, tab);
          const path = `${directory}/${name}/summary.json`;
          return [[name, parsedAs(schema, jsonOf(line.slice(tab + 1), host, path), host, path)]];
        }),
    }),
    host.facts({ script: foreignNamesScript({ directory }), parse: (output) => output.trim() }),
  ]);
  if (foreign) {
    throw new ExplainedError({
      host: host.name,
      step: `looking at ${directory}`,
      found: `no mirror was there before, and it holds ${foreign}: an update would remove what is not its own`,
      remedy: "Name a directory that is empty or does not exist.",
      values: ["directory"],
    });
  }
  return {
    published: summaries.find(([name]) => name === "current")?.[1],
    kept: summaries.map(([, summary]) => summary),
  };
}

/**
 * What the preview that made a kept snapshot found out then, and the digest of the plan it made.
 *
 * @throws ExplainedError that names the trees there are
 */
export async function keptPlan<Found>(
  host: Host,
  directory: string,
  name: string,
): Promise<{ readonly found: Found; readonly digest: string }> {
  const read = (script: string) => host.facts({ script, parse: (output) => output });
  const tree = `${directory}/trees/${name}`;
  const [summary, contents] = await Promise.all([
    read(sh`cat ${`${tree}/summary.json`} 2>/dev/null || true`),
    read(sh`cat ${`${tree}/contents.json`} 2>/dev/null || ls ${`${directory}/trees`} 2>/dev/null || true`),
  ]);
  if (summary && contents.startsWith("{"))
    return {
      found: jsonOf(contents, host, `${tree}/contents.json`) as Found,
      digest: (jsonOf(summary, host, `${tree}/summary.json`) as Summary).plan,
    };
  throw new ExplainedError({
    host: host.name,
    step: `looking for the kept snapshot ${name}`,
    found: `${directory}/trees has ${
      contents
        .trim()
        .split("\n")
        .filter((kept) => /^\d/.test(kept))
        .join(", ") || "no snapshots"
    }`,
    remedy: "Set pinnedTo to one of these, or take it out to follow upstream again.",
  });
}

/** What a file that an update left on its host says; whether it is what an update writes is for the reader to check. */
function jsonOf(text: string, host: Pick<Host, "name">, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(host, path, "it is not JSON", error);
  }
}

/** The refusal of a file beside a tree that is not as an update wrote it. */
function damaged(host: Pick<Host, "name">, path: string, found: string, cause?: unknown): ExplainedError {
  return new ExplainedError({
    host: host.name,
    step: `reading ${path}`,
    found: `${found}: this is not what an update wrote`,
    remedy:
      "See what else writes there, and repair the disk. Of a kept snapshot that is not served, remove the directory; of the one that is served, remove the link `current`: then it is published anew.",
    cause,
  });
}

/** A value that a host's file holds, as the type that it must be of. */
export function parsedAs<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  host: Pick<Host, "name">,
  path: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const at = pathText(result.error.issues[0]?.path ?? []);
  throw damaged(host, path, at ? `its ${at} is missing or of another kind` : "it is no object");
}

/**
 * The refusal to serve a kept snapshot again that none of the declared keys has signed.
 *
 * @param readers who would refuse it then
 */
export function signedByOtherKeys(
  host: Host,
  tree: string,
  { signers, declared }: { readonly signers: readonly string[]; readonly declared: readonly string[] },
  readers: string,
): ExplainedError {
  return new ExplainedError({
    host: host.name,
    step: `looking at the kept snapshot ${tree}`,
    found: `it was signed by ${signers.join(", ") || "nobody"}, and ${declared.join(", ")} is declared: ${readers} would refuse it`,
    remedy: "Declare the key that signed it in upstream.key, or set pinnedTo to a newer snapshot.",
    values: ["pinnedTo", "upstream.key"],
  });
}

/** What the preview that made the published snapshot found out then, for a reader to check. Undefined: nothing can be read. */
export function publishedFindings(directory: string): Probe<unknown> {
  return {
    script: sh`cat ${`${directory}/current/contents.json`} 2>/dev/null || true`,
    parse: (output) => {
      try {
        return JSON.parse(output) as unknown;
      } catch {
        return undefined;
      }
    },
  };
}

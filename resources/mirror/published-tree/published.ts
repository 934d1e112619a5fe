import { z } from "zod";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { pathText } from "../../../errors/wrong-input.ts";
import type { Host, Probe } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import { same, storable } from "../../kernel/stored-properties.ts";
import { foreignNamesScript, observeScript } from "./scripts.ts";

/** The summary of every published snapshot; the kinds of trees add to it. */
export interface Summary {
  /** Digest of the publication it was made from. */
  readonly plan: string;
}

/** A published snapshot, from its host. */
interface Published<S extends Summary> {
  /** Its name below trees/. */
  readonly tree: string;
  readonly summary: S;
  /** `integrity` if files are missing or wrong, or an update was interrupted. */
  readonly status: { readonly integrity?: string };
  /** Seconds for which the signature is still valid; undefined if it does not expire. */
  readonly secondsLeft: number | undefined;
}

/** JSON has no undefined, so optional values are absent. */
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The values of every kind of summary. */
export const baseSummary = z.object({ plan: z.string() });

/**
 * The published state of a mirror. Undefined: nothing is published.
 *
 * @param schema The values of its summary; others are ignored.
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
              : { integrity: "an update was interrupted before its cleanup" },
        secondsLeft: Number(until) > 0 ? Number(until) - Number(now) : undefined,
      };
    },
  };
}

/** Whether two declarations are equal in the values that a schema has. */
export function sameIn(schema: z.ZodType, one: unknown, other: unknown): boolean {
  return same(storable(schema.parse(one)), storable(schema.parse(other)));
}

/** The summaries of a mirror's trees. Their files are not checked. */
interface Summaries<S> {
  /** Undefined: nothing is published. */
  readonly published: S | undefined;
  /** Summaries of all kept snapshots, including the published one. */
  readonly kept: readonly S[];
}

/**
 * Reads a mirror's directory, to plan the next snapshot.
 *
 * @param schema The values of a summary; others are ignored.
 * @throws ExplainedError if it contains other files, or a summary that was not written by an update.
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
      step: `checking ${directory}`,
      found: `no mirror has used it before, but it contains ${foreign}: an update would remove these files`,
      remedy: "Declare a directory that is empty or does not exist.",
      values: ["directory"],
    });
  }
  return {
    published: summaries.find(([name]) => name === "current")?.[1],
    kept: summaries.map(([, summary]) => summary),
  };
}

/**
 * The findings of the preview that made a kept snapshot, and the digest of its plan.
 *
 * @throws ExplainedError that names the existing trees.
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
    step: `finding the kept snapshot ${name}`,
    found: `${directory}/trees has ${
      contents
        .trim()
        .split("\n")
        .filter((kept) => /^\d/.test(kept))
        .join(", ") || "no snapshots"
    }`,
    remedy: "Set pinnedTo to one of these, or remove it to follow upstream again.",
  });
}

/** Parses a file that an update left on its host. The caller checks its content. */
function jsonOf(text: string, host: Pick<Host, "name">, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(host, path, "it is not JSON", error);
  }
}

/** The error for a file beside a tree that was not written by an update. */
function damaged(host: Pick<Host, "name">, path: string, found: string, cause?: unknown): ExplainedError {
  return new ExplainedError({
    host: host.name,
    step: `reading ${path}`,
    found: `${found}: it was not written by an update`,
    remedy:
      "Check what else writes there, and repair the disk. For a kept snapshot that is not served, remove its directory. For the served one, remove the link `current`: it is then published again.",
    cause,
  });
}

/** A value of a host's file, checked against its schema. */
export function parsedAs<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  host: Pick<Host, "name">,
  path: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const at = pathText(result.error.issues[0]?.path ?? []);
  throw damaged(host, path, at ? `its ${at} is missing or invalid` : "it is not an object");
}

/**
 * The error for a kept snapshot that none of the declared keys has signed.
 *
 * @param readers Who would refuse it then.
 */
export function signedByOtherKeys(
  host: Host,
  tree: string,
  { signers, declared }: { readonly signers: readonly string[]; readonly declared: readonly string[] },
  readers: string,
): ExplainedError {
  return new ExplainedError({
    host: host.name,
    step: `checking the kept snapshot ${tree}`,
    found: `it was signed by ${signers.join(", ") || "no key"}, but ${declared.join(", ")} is declared: ${readers} would refuse it`,
    remedy: "Declare the key that signed it in upstream.key, or set pinnedTo to a newer snapshot.",
    values: ["pinnedTo", "upstream.key"],
  });
}

/**
 * The findings of the preview that made the published snapshot, for the caller to check. Undefined: they cannot be
 * read.
 */
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

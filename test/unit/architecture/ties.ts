import { posix } from "node:path";
import type { Import } from "./imports.ts";

/**
 * The folders that each folder may import. `resources/*` is every folder of `resources/` without its own line. Two of these
 * may not import each other.
 */
export type Arrows = Readonly<Record<string, readonly string[]>>;

/** By package: the folders that may import it, with all folders below them. */
type Packages = Readonly<Record<string, readonly string[]>>;

/** The imports that are not in the table, one sentence each. */
export function againstArrows(imports: readonly Import[], arrows: Arrows): string[] {
  return imports
    .filter(({ to }) => to.endsWith(".ts"))
    .flatMap(({ from, to }) => {
      const [source, target] = [folderOf(from, arrows), folderOf(to, arrows)];
      if (!source) return [`${from} is in no folder of the architecture`];
      if (!target) return [`${from} imports ${to}, which is in no folder of the architecture`];
      if (source.name === target.name || arrows[source.line]?.includes(target.line)) return [];
      return [
        `${from} imports ${to}: ${source.name} may import ${arrows[source.line]?.join(", ") || "nothing"}`,
      ];
    });
}

/** The imports of packages by folders that may not import them, one sentence each. */
export function foreignPackages(imports: readonly Import[], packages: Packages): string[] {
  return imports.flatMap(({ from, to }) => {
    const known = Object.keys(packages).find((name) => to === name || to.startsWith(`${name}/`));
    const may = known === undefined ? undefined : packages[known];
    if (!may || may.some((folder) => isIn(from, folder))) return [];
    return [`${from} imports ${to}, which is for ${may.join(", ")}`];
  });
}

/** The folder of a path in the table: the longest that matches. */
function folderOf(
  path: string,
  arrows: Arrows,
): { readonly name: string; readonly line: string } | undefined {
  const exact = Object.keys(arrows)
    .filter((line) => isIn(path, line))
    .sort((one, other) => other.length - one.length)[0];
  if (exact !== undefined) return { name: exact, line: exact };
  const name = path.split("/").slice(0, 2).join("/");
  const line = `${posix.dirname(name)}/*`;
  return line in arrows && path !== name ? { name, line } : undefined;
}

export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The imports between files as imports between their folders. */
export function ofFolders(imports: readonly Import[]): Map<string, Set<string>> {
  return graph(imports, posix.dirname);
}

/** The imports between files. */
export function ofFiles(imports: readonly Import[]): Map<string, Set<string>> {
  return graph(imports, (path) => path);
}

function graph(imports: readonly Import[], nodeOf: (path: string) => string): Map<string, Set<string>> {
  const ties = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (!to.endsWith(".ts") || nodeOf(from) === nodeOf(to)) continue;
    ties.set(nodeOf(from), (ties.get(nodeOf(from)) ?? new Set()).add(nodeOf(to)));
  }
  return ties;
}

/** The shortest cycle of each group of cyclic imports, as `a -> b -> a`. */
export function circles(ties: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const reported = new Set<string>();
  return [...ties.keys()].sort().flatMap((start) => {
    if (reported.has(start)) return [];
    const way = wayBack(ties, start);
    if (!way) return [];
    for (const node of way) reported.add(node);
    return [[...way, start].join(" -> ")];
  });
}

/** The shortest path from a node to itself, without its end. Undefined if there is none. */
function wayBack(ties: ReadonlyMap<string, ReadonlySet<string>>, start: string): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of ties.get(way.at(-1) ?? "") ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

import type { RelationField } from "./packages.ts";
import { type Relation, satisfies } from "./version.ts";

/** A package for computing dependencies, of an index or a local one. */
export interface Candidate {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  field(name: RelationField): string | undefined;
}

export interface Alternative {
  readonly name: string;
  /** After the colon: `any`, `native` or an architecture. */
  readonly qualifier: string | undefined;
  readonly relation: Relation | undefined;
  readonly version: string | undefined;
}

const alternative =
  /^([A-Za-z0-9_][A-Za-z0-9_+.~-]*)(?::([a-z0-9-]+))? ?(?:\( ?(<<|<=|=|>=|>>|<|>) ?([^ )]+) ?\))? ?(?:\[[^\]]*\] ?)?(?:<[^>]*> ?)*$/;

/**
 * Reads a relation field (Debian Policy 7.1). Every inner list holds alternatives, of which one is needed. An invalid
 * entry becomes an alternative that no package satisfies, with its text as the name.
 */
export function parseRelations(text: string | undefined): Alternative[][] {
  return (text ?? "")
    .replace(/[ \t\r\n]+/g, " ")
    .split(",")
    .map((group) =>
      group.split("|").flatMap((part) => {
        const one = part.trim();
        if (one === "") return [];
        const found = alternative.exec(one);
        if (!found) return [{ name: one, qualifier: undefined, relation: undefined, version: undefined }];
        const [, name = "", qualifier, sign, version] = found;
        // The obsolete single signs mean "or equal" (Policy 7.1).
        const relation = (sign === "<" ? "<=" : sign === ">" ? ">=" : sign) as Relation | undefined;
        return [{ name, qualifier, relation, version }];
      }),
    )
    .filter((group) => group.length > 0);
}

export interface Closure {
  /** Names of packages, sorted. */
  readonly names: readonly string[];
  /** Choices between alternatives: the package that needed one, the text of the alternatives, and the chosen one. */
  readonly alternatives: readonly { readonly of: string; readonly choice: string; readonly taken: string }[];
  /** Dependencies that no package satisfies. */
  readonly missing: readonly { readonly of: string; readonly needs: string }[];
}

/**
 * Names of the given packages and all their dependencies, for one architecture. From alternatives, the first one that
 * can be satisfied is chosen. From several providers of a virtual package, one that is needed anyway is chosen,
 * otherwise the first by name.
 *
 * @param candidates The available packages, with all their versions.
 */
export function closureOf(
  roots: Iterable<string>,
  candidates: Iterable<Candidate>,
  architecture: string,
  withRecommends: boolean,
): Closure {
  const byName = new Map<string, Candidate[]>();
  const providers = new Map<string, { by: Candidate; version: string | undefined }[]>();
  for (const candidate of candidates) {
    if (candidate.architecture !== architecture && candidate.architecture !== "all") continue;
    push(byName, candidate.name, candidate);
    for (const [provided] of parseRelations(candidate.field("Provides"))) {
      if (provided) push(providers, provided.name, { by: candidate, version: provided.version });
    }
  }
  const meets = (version: string | undefined, { relation, version: wanted }: Alternative) =>
    !relation || !wanted || (version !== undefined && satisfies(version, relation, wanted));
  const usable = ({ qualifier }: Alternative) =>
    qualifier === undefined || qualifier === "any" || qualifier === "native" || qualifier === architecture;
  const real = (wanted: Alternative) =>
    usable(wanted) && (byName.get(wanted.name) ?? []).some(({ version }) => meets(version, wanted));
  const offers = new Map<string, string[]>();
  const virtual = (wanted: Alternative) => {
    if (!usable(wanted)) return [];
    const key = `${wanted.name} ${wanted.relation} ${wanted.version}`;
    const known = offers.get(key);
    if (known) return known;
    const found = (providers.get(wanted.name) ?? [])
      .filter(({ version }) => meets(version, wanted))
      .map(({ by }) => by.name);
    const offered = [...new Set(found)].sort();
    offers.set(key, offered);
    return offered;
  };

  const names = new Set<string>();
  const queue: string[] = [];
  const open: { of: string; group: Alternative[]; offered: string[]; optional: boolean }[] = [];
  const alternatives: { of: string; choice: string; taken: string }[] = [];
  const missing = new Map<string, { of: string; needs: string }>();
  const select = (name: string) => {
    if (names.has(name)) return;
    names.add(name);
    queue.push(name);
  };
  const resolve = (of: string, group: Alternative[], optional: boolean) => {
    for (const wanted of group) {
      if (real(wanted)) {
        if (group.length > 1) alternatives.push({ of, choice: textOf(group), taken: wanted.name });
        return select(wanted.name);
      }
      const offered = virtual(wanted);
      if (offered.length > 0) {
        open.push({ of, group, offered, optional });
        return;
      }
    }
    if (!optional) missing.set(`${of} ${textOf(group)}`, { of, needs: textOf(group) });
  };
  for (const root of roots) select(root);
  for (;;) {
    const name = queue.shift();
    if (name === undefined) {
      // Real names first: if a provider is needed for another reason, there is no choice to make.
      const next = open.shift();
      if (!next) break;
      const { of, group, offered } = next;
      const taken = offered.find((provider) => names.has(provider)) ?? offered[0] ?? "";
      if (offered.length > 1 || group.length > 1) alternatives.push({ of, choice: textOf(group), taken });
      select(taken);
      continue;
    }
    const texts = new Set<string>();
    for (const candidate of byName.get(name) ?? []) {
      for (const field of [
        "Pre-Depends",
        "Depends",
        ...(withRecommends ? ["Recommends"] : []),
      ] as RelationField[]) {
        const text = candidate.field(field);
        if (!text || texts.has(text)) continue;
        texts.add(text);
        for (const group of parseRelations(text)) resolve(name, group, field === "Recommends");
      }
    }
  }
  return { names: [...names].sort(), alternatives, missing: [...missing.values()] };
}

function textOf(group: readonly Alternative[]): string {
  return group
    .map(
      ({ name, qualifier, relation, version }) =>
        `${name}${qualifier ? `:${qualifier}` : ""}${relation ? ` (${relation} ${version})` : ""}`,
    )
    .join(" | ");
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

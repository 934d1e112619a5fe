import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote, sh } from "../../../hosts/shell.ts";
import { digestOf } from "../../../values/digest.ts";
import { ancestorsOf, type DeclaredPath, declarationOf } from "./declared-path.ts";
import { type LedgerPlace, ledgerPlace } from "./place.ts";

const functions = [
  join(import.meta.dirname, "handing-over.sh"),
  join(import.meta.dirname, "undo.sh"),
  join(import.meta.dirname, "trial.sh"),
  join(import.meta.dirname, "path-claims.sh"),
]
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** How to check whether a service that reads the files accepts them, before the change counts as made. */
interface ServiceCheck {
  /** A shell command that fails with a reason if the service would refuse its configuration, e.g. `nginx -t`. */
  readonly command: string;
  /** TCP ports of the service: no other process may listen on them. */
  readonly ports?: readonly number[] | undefined;
}

/** By unit. With any, a change is made completely or not at all: see undo.sh. */
export type ServiceChecks = Readonly<Record<string, ServiceCheck>>;

export interface PathClaims {
  /** Sets up the script; must come first. */
  readonly prologue: string;
  /**
   * Claims all paths, changes the given ones to their declarations, and releases those that are no longer declared: the
   * opening and the change.
   */
  readonly body: string;
  /** Takes the ledger's lock, and ends the script if another resource declares something else for a path. */
  readonly opening: string;
  readonly change: string;
  /** The paths, at the index by which the script names them. */
  readonly numberedPaths: readonly NumberedPath[];
  /** Only reports conflicting claims, without changes. */
  readonly checkScript: string;
  /** Also reports whether services would accept the change in /etc. It runs in a separate mount namespace. */
  readonly trial: string;
}

export interface NumberedPath {
  readonly path: string;
  readonly secret?: boolean;
  readonly owner?: string;
  readonly group?: string;
}

/**
 * The script that claims and changes paths for a resource in one run (see path-claims.sh).
 *
 * @param resource The name of the claimant.
 * @param declared All paths of the resource from now on; if empty, everything it had is restored.
 * @param differs Which of these must be changed; the others are only claimed.
 * @param checks Services that must accept the change. If one refuses it, everything is restored. They are reloaded,
 * but not if everything is released.
 */
export function pathClaims(
  resource: string,
  declared: readonly DeclaredPath[],
  differs: (path: DeclaredPath) => boolean,
  place: LedgerPlace = ledgerPlace,
  checks: ServiceChecks = {},
): PathClaims {
  const parents = parentsOf(declared, place);
  const ordered = [...declared].sort((a, b) => rank(a) - rank(b) || depth(a.path) - depth(b.path));
  const numberedPaths: NumberedPath[] = [...parents.map((path) => ({ path })), ...ordered];
  const records = numberedPaths.map(({ path }) => digestOf(path));
  const numbered = ordered.map((item, index) => ({ item, index: parents.length + index }));
  const record = (index: number) => records[index] as string;
  const directoriesFirst = [
    ...parents.map((path, index) => ({ path, index, script: sh`place_parent ${index} ${path}` })),
    ...numbered
      .filter(({ item }) => item.type === "directory" && differs(item))
      .map(({ item, index }) => ({ path: item.path, index, script: placing(item, index) })),
  ].sort((a, b) => depth(a.path) - depth(b.path));
  const units = Object.keys(checks);
  const looks = [
    ...parents.map((_, index) => sh`check_claim ${index} ${record(index)} parent`),
    ...numbered.map(({ item, index }) => sh`check_claim ${index} ${record(index)} ${declarationOf(item)}`),
  ];
  // Released paths need no port.
  const listening = declared.length > 0 ? units : [];
  const ports = listening.map((unit) => sh`need_ports ${unit} ${(checks[unit]?.ports ?? []).join(" ")}`);
  const journal = [
    sh`begin_undo ${units.join(" ")}`,
    ...parents.map((path, index) => sh`note_parent ${record(index)} ${path}`),
    ...numbered.map(({ item, index }) => sh`note_state ${record(index)} ${item.path}`),
    "keep_undo",
  ];
  const settle = [
    ...units.map((unit) => sh`check_service_files ${unit}`),
    ...listening.map((unit) => sh`reload_service ${unit}`),
    "commit",
  ];
  const prologue = [
    "set -eu",
    "umask 077",
    sh`ledger=${place.directory} lock=${place.lock} resource=${resource}`,
    `wanted=${quote(` ${records.join(" ")} `)}`,
    functions,
    "command_of() {",
    'case "$1" in',
    ...units.map((unit) => `${quote(unit)}) printf '%s' ${quote(checks[unit]?.command ?? "")} ;;`),
    "*) echo true ;;",
    "esac",
    "}",
  ].join("\n");
  const inEtc = ({ path }: { path: string }) => path.startsWith("/etc/");
  const placed = numbered.filter(
    ({ item }) => item.type !== "directory" && item.type !== "held" && differs(item),
  );
  const steps = [
    ...directoriesFirst,
    ...placed.map(({ item, index }) => ({ path: item.path, script: placing(item, index) })),
  ];
  const tried = [
    prologue,
    "hide_etc",
    ...units.map((unit) => sh`need_candour ${unit}`),
    ...steps.filter(inEtc).flatMap(({ path, script }) => [sh`need_hidden ${path}`, script]),
    "give_up_unwanted",
    ...units.map((unit) => sh`try_unit ${unit}`),
  ].join("\n");
  // No text contains its own digest, so no declared text can end the here-document. An argument would be limited to
  // 128 KiB.
  const end = `END-${digestOf(tried)}`;
  const opening = ["lock_ledger", ...looks, ...ports, "begin"].join("\n");
  const change = [
    ...(units.length > 0 ? journal : []),
    ...parents.map((path, index) => sh`claim_parent ${index} ${record(index)} ${path}`),
    ...numbered.map(
      ({ item, index }) => sh`claim ${index} ${record(index)} ${declarationOf(item)} ${item.path}`,
    ),
    "settle_claims",
    ...steps.map(({ script }) => script),
    "release_unwanted",
    ...(units.length > 0 ? settle : []),
    "close_ledger",
    "",
  ].join("\n");
  return {
    numberedPaths,
    prologue,
    checkScript: [...looks, ...ports].join("\n"),
    trial: [
      'if [ -n "$taken" ]; then exit 0; fi',
      sh`note_complaints ${units.join(" ")}`,
      `tried=$(unshare --mount --propagation private sh -s <<'${end}' 2>/dev/null`,
      tried,
      end,
      ") || true",
      'if [ -z "$tried" ]; then exit 0; fi',
      `printf '%s\\n' "$tried"`,
      ...units.map((unit) => sh`compare_unit ${unit}`),
    ].join("\n"),
    opening,
    change,
    body: `${opening}\n${change}`,
  };
}

/** Directories before their contents, and absent paths last. */
function rank({ type }: DeclaredPath): number {
  return ["held", "directory", "file", "link", "absent"].indexOf(type);
}

function depth(path: string): number {
  return path.split("/").length;
}

function parentsOf(declared: readonly DeclaredPath[], place: LedgerPlace): string[] {
  const parents = new Set(
    declared
      .filter(({ type }) => type !== "absent" && type !== "held")
      .flatMap(({ path }) => ancestorsOf(path)),
  );
  // The ledger's directory is managed by the script.
  parents.delete(place.directory);
  for (const { type, path } of declared) if (type === "directory") parents.delete(path);
  return [...parents].sort((a, b) => depth(a) - depth(b));
}

function placing(item: DeclaredPath, index: number): string {
  const { path } = item;
  switch (item.type) {
    case "file": {
      const content = Buffer.from(item.content).toString("base64");
      return sh`place_file ${index} ${digestOf(path)} ${item.mode} ${item.owner} ${item.group} ${path} ${content}`;
    }
    case "directory":
      return sh`place_directory ${index} ${item.mode} ${item.owner} ${item.group} ${path}`;
    case "link":
      return sh`place_link ${index} ${digestOf(path)} ${path} ${item.target}`;
    case "absent":
      return sh`take_away ${index} ${path}`;
    case "held":
      return ":";
  }
}

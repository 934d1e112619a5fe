import type { Probe } from "../../../hosts/host.ts";
import { quote, sh } from "../../../hosts/shell.ts";
import { ledgerPlace } from "../ledger/place.ts";

/** The state of a unit in systemd. */
export interface FoundService {
  /**
   * `by others` if it cannot be enabled itself. Otherwise true, false, or systemd's word for another state, e.g.
   * `masked`.
   */
  readonly enabled: boolean | string;
  readonly running: boolean | "failed" | "changing";
  /** How it runs, if `running` is not a boolean: `failed (signal)`. */
  readonly runningText?: string;
}

export interface FoundServices {
  /** Whether the ledger has claims of this resource. */
  readonly claimed: boolean;
  /** Without units that do not exist. */
  readonly services: ReadonlyMap<string, FoundService>;
  /** sha256 of the existing watched files, by path. */
  readonly digests: ReadonlyMap<string, string>;
  /** By unit, the files loaded at its last start or reload for this resource: digests by sha256 of the path. */
  readonly loaded: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Reads units, their files, and the ledger's entries for both. */
export function serviceProbe(
  resource: string,
  units: readonly string[],
  watched: readonly string[],
): Probe<FoundServices> {
  const script = `
ledger=${quote(`${ledgerPlace.directory}/services`)}
index=0
for unit in ${units.map(quote).join(" ")}; do
  if [ -e "$ledger/$unit/claims/"${quote(resource)} ]; then echo claimed; fi
  if [ -e "$ledger/$unit/loaded/"${quote(resource)} ]; then
    while read -r path digest; do echo "loaded $index $path $digest"; done <"$ledger/$unit/loaded/"${quote(resource)}
  fi
  index=$((index + 1))
done
for claim in "$ledger"/*/claims/${quote(resource)}; do
  if [ -e "$claim" ]; then echo claimed; break; fi
done
index=0
for path in ${watched.map(quote).join(" ")}; do
  if [ -f "$path" ]; then echo "digest $index $(sha256sum <"$path")"; fi
  index=$((index + 1))
done
${units.length === 0 ? "" : sh`systemctl show --property=LoadState,ActiveState,SubState,UnitFileState,Result -- ${units}`}
`;
  return { script, parse: (output) => parse(output, units, watched) };
}

function parse(output: string, units: readonly string[], watched: readonly string[]): FoundServices {
  const lines = output.split("\n");
  const reported = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(" ").slice(1));
  const loaded = new Map<string, Map<string, string>>();
  for (const [index, path, digest] of reported("loaded")) {
    const unit = units[Number(index)];
    if (!unit || !path || !digest) continue;
    loaded.set(unit, (loaded.get(unit) ?? new Map()).set(path, digest));
  }
  return {
    claimed: lines.includes("claimed"),
    digests: new Map(
      reported("digest").map(([index, digest = ""]) => [watched[Number(index)] ?? "", digest]),
    ),
    loaded,
    services: new Map(
      blocks(lines).flatMap((block, index) => {
        const unit = units[index];
        return unit && block.get("LoadState") !== "not-found" ? [[unit, foundService(block)] as const] : [];
      }),
    ),
  };
}

/** The output blocks of `systemctl show`, one for each unit, separated by empty lines. */
function blocks(lines: readonly string[]): Map<string, string>[] {
  const shown: Map<string, string>[] = [];
  for (const line of lines) {
    const [, key, value = ""] =
      /^(LoadState|ActiveState|SubState|UnitFileState|Result)=(.*)$/.exec(line) ?? [];
    if (!key) continue;
    if (!shown.length || shown.at(-1)?.has(key)) shown.push(new Map());
    shown.at(-1)?.set(key, value);
  }
  return shown;
}

function foundService(block: ReadonlyMap<string, string>): FoundService {
  const active = block.get("ActiveState") ?? "";
  const sub = block.get("SubState") ?? "";
  return {
    enabled: enabledState(block.get("UnitFileState") ?? ""),
    ...runningState(active, sub, block.get("Result")),
  };
}

function enabledState(state: string): boolean | string {
  if (state === "enabled") return true;
  if (state === "disabled") return false;
  if (["", "static", "indirect", "generated", "transient", "alias", "linked"].includes(state))
    return "by others";
  return state;
}

function runningState(active: string, sub: string, result = ""): Omit<FoundService, "enabled"> {
  if (active === "active" || active === "reloading") return { running: true };
  if (active === "inactive") return { running: false };
  if (active === "failed") return { running: "failed", runningText: `failed (${result})` };
  return { running: "changing", runningText: `${active} (${sub})` };
}

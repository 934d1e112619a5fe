import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Probe } from "../../hosts/host.ts";
import { quote, sh } from "../../hosts/shell.ts";
import { defineResource, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { resourceClass } from "../kernel/resource.ts";
import { ledgerPlace } from "./ledger/place.ts";
import { explainApt } from "./packages/explain-apt.ts";

const installScript = readFileSync(join(import.meta.dirname, "packages", "packages.sh"), "utf8");

const schema = z.strictObject({
  host: hostInput,
  packages: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "must be the name of a Debian package, such as nginx"),
      z
        .string()
        .regex(
          /^(installed|(\d+:)?\d[A-Za-z0-9.+~-]*)$/,
          'must be "installed" or an exact version, such as "1.22.1-9"',
        ),
    )
    .describe(
      'By the name of the Debian package (a real package of the host\'s architecture): "installed", or the exact version. An older version than the installed one is a downgrade.',
    ),
});

export const packages = defineResource({
  kind: "Packages",
  version: 1,
  inputs: schema,
  outputs: z.object({}),

  async observe(context, declared) {
    const { claimed, states } = await context.host.facts(
      packageProbe(context.id, Object.keys(declared.packages)),
    );
    const observed = Object.fromEntries(
      Object.entries(declared.packages).map(([name, wanted]) => [
        name,
        observedState(wanted, states.get(name)),
      ]),
    );
    const wantsNothing = Object.keys(observed).length === 0;
    if (!claimed && !wantsNothing && Object.values(observed).every((state) => state === "absent"))
      return undefined;
    return { inputs: { host: declared.host, packages: observed }, outputs: {} };
  },

  async apply(context, wanted) {
    const words = Object.entries(wanted.packages).map(([name, state]) =>
      state === "installed" ? name : `${name}=${state}`,
    );
    const step = `installing ${words.join(", ") || "nothing"}`;
    try {
      await changePackages(context, words, step);
    } catch (error) {
      throw new PartlyApplied(error as Error, {});
    }
    return {};
  },

  async remove(context, declared) {
    await changePackages(context, [], `removing ${Object.keys(declared.packages).join(", ")}`);
  },
});

/** Routine output of apt and dpkg, which is left out of the progress. */
const routineOutput =
  /^( |\(Reading|Reading|Building|Selecting|Preparing|Unpacking|Created symlink|After this|Need to get|The following|\d+ upgraded|Suggested|Recommended|debconf:|Processing triggers|update-alternatives|Upgrading binary|Get:)/;

interface PackageState {
  /** Status in dpkg: `installed`, `half-configured`, `config-files` ... */
  readonly status: string;
  readonly version: string;
}

function packageProbe(
  resource: string,
  names: readonly string[],
): Probe<{ claimed: boolean; states: ReadonlyMap<string, PackageState> }> {
  const script = `
if [ -e ${quote(`${ledgerPlace.directory}/packages/claims/${resource}`)} ]; then echo claimed; fi
native=$(dpkg --print-architecture)
${names.length === 0 ? "exit 0" : sh`set -- ${names}`}
dpkg-query -W -f='package \${Package} \${Architecture} \${db:Status-Status} \${Version}\\n' "$@" 2>/dev/null |
  while read -r line; do
    case "$line" in "package "*" $native "* | "package "*" all "*) echo "$line" ;; esac
  done
`;
  return {
    script,
    parse(output) {
      const lines = output.split("\n").map((line) => line.split(" "));
      return {
        claimed: lines.some(([first]) => first === "claimed"),
        states: new Map(
          lines.flatMap(([first, name, , status, version]) =>
            first === "package" && name && status
              ? [[name, { status, version: version ?? "" }] as const]
              : [],
          ),
        ),
      };
    },
  };
}

function observedState(wanted: string, found: PackageState | undefined): string {
  if (!found || found.status === "not-installed" || found.status === "config-files") return "absent";
  if (found.status !== "installed") return `(${found.status})`;
  return wanted === "installed" ? wanted : found.version;
}

async function changePackages(
  context: ResourceContext,
  wanted: readonly string[],
  step: string,
): Promise<void> {
  const { directory, lock } = ledgerPlace;
  const settings = sh`ledger=${directory} lock=${lock} resource=${context.id} wanted=${wanted.join(" ")}`;
  const stays: string[] = [];
  const { code, tail } = await context.host.job({
    name: context.id,
    script: `${settings}\n${installScript}`,
    step,
    allowFailure: true,
    onProgress(line) {
      const kept = /^stays (\S+)$/.exec(line)?.[1];
      if (kept) stays.push(kept);
      else if (line.trim() && !routineOutput.test(line)) context.progress(line);
    },
  });
  if (stays.length > 0) {
    context.warn(
      `${stays.join(", ")} stay${stays.length === 1 ? "s" : ""} installed, since other packages need it now`,
    );
  }
  if (code !== 0) throw explainApt(tail, step);
}

/**
 * Debian packages that one component needs on a host. When the resource is removed, packages that were installed
 * before stay. Packages that were installed for it, dependencies included, are purged (with their data, e.g. a
 * database's files), unless another `Packages` or another package needs them. Nothing else is ever removed.
 *
 *     new Packages("tools", { host: "mirror.dc1", packages: { nginx: "installed", reprepro: "5.3.1-1" } });
 *
 * Configuration files that were changed on the host are kept.
 *
 * @throws ExplainedError for a package or version that the host's sources do not have, a held package, a lock of
 * another process, an unreachable source, a full disk, a package whose scripts fail.
 */
export class Packages extends resourceClass(packages) {}

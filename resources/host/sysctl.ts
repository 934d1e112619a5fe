import { z } from "zod";
import { ExplainedError } from "../../errors/explained-error.ts";
import { keyValues } from "../../hosts/key-values.ts";
import { sh } from "../../hosts/shell.ts";
import { defineResource, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { resourceClass } from "../kernel/resource.ts";
import { BeforeLedger, changesTo } from "./ledger/before-ledger.ts";
import { changePaths, checkClaims, releasePaths } from "./ledger/change-paths.ts";
import { held, rootFile } from "./ledger/declared-path.ts";
import { pathProbe } from "./ledger/path-probe.ts";

const name = z.string().regex(/^[\w-]+(\.[\w/:-]+)+$/, "must be a name with dots, e.g. vm.swappiness");
const line = z.string().regex(/^(?=.*\S)[^\0-\x08\n-\x1f\x7f]*$/, "must be a value on one line");
const value = z.union([line, z.number()]).transform((given) => String(given).trim().replaceAll(/\s+/g, " "));
type Values = Readonly<Record<string, string>>;

/** sysctl prints tabs between the numbers of a value. */
const print = `value=$(sysctl -n -- "$key") && printf %s "$value" | tr -s '[:blank:]' ' '`;
const live = (settings: Values) => keyValues(Object.keys(settings), print);

export const sysctl = defineResource({
  kind: "Sysctl",
  version: 1,
  inputs: z.strictObject({
    host: hostInput,
    settings: z.record(name, value).describe('By sysctl\'s names, e.g. { "net.core.somaxconn": 4096 }.'),
  }),
  outputs: z.object({ before: z.record(z.string(), z.string()).describe("The original values, by name.") }),
  status: { bootFile: "as declared" },

  async observe(context, { host, settings }, outputs) {
    const file = bootFile(context.id, settings);
    const [found, paths] = await Promise.all([
      context.host.facts(live(settings)),
      context.host.facts(pathProbe(context.id, [file])),
    ]);
    const actual = paths.at.get(file.path);
    if (!paths.claimed && !actual) return undefined;
    return {
      inputs: { host, settings: found },
      outputs: { before: outputs?.before ?? {} },
      status: actual?.content === file.content ? {} : { bootFile: actual ? "changed by hand" : "missing" },
    };
  },

  async preflight(context, { settings }, _, isWhole) {
    const found = await context.host.facts(live(settings));
    const unknown = Object.keys(settings).filter((setting) => !(setting in found));
    if (unknown.length === 0) return checkClaims(context, pathsOf(context.id, settings), {}, isWhole);
    const remedy = "Correct the name, or load its module first.";
    throw new ExplainedError({ step: "reading settings", found: `the kernel has no ${unknown}`, remedy });
  },

  async apply(context, { settings }, observed) {
    const paths = pathsOf(context.id, settings);
    // Without the claim, the live values can be those of another resource, and must not be recorded.
    await changePaths(context, paths, () => false, "claiming the settings");
    const ledger = new BeforeLedger(context);
    let before = (observed?.outputs.before ?? {}) as Values;
    try {
      before = (await ledger.remember(await context.host.facts(live(settings)), before)) as Values;
      await changePaths(context, paths, () => true, "writing the boot file");
      await set(context, settings, before);
      return { before: await ledger.keep(before, Object.keys(settings)) };
    } catch (error) {
      throw new PartlyApplied(error, { before });
    }
  },

  async remove(context, _, outputs) {
    const ledger = new BeforeLedger(context);
    await set(context, {}, (await ledger.recall(outputs.before ?? {})) as Values);
    await ledger.keep({});
    // The claim is released last: without it the next refresh would forget what is not restored yet.
    await releasePaths(context, "removing the boot file");
  },
});

function bootFile(id: string, settings: Values) {
  const lines = Object.entries(settings).map(([setting, text]) => `${setting} = ${text}\n`);
  return rootFile(`/etc/sysctl.d/90-airgapped-maas-${id}.conf`, lines.join(""));
}

/** A setting belongs to one resource: of two, neither could restore the original value. */
function pathsOf(id: string, settings: Values) {
  return [...Object.keys(settings).map((setting) => held(`sysctl ${setting}`, id)), bootFile(id, settings)];
}

async function set(context: ResourceContext, settings: Values, before: Values): Promise<void> {
  const found = await context.host.facts(live({ ...before, ...settings }));
  const { changes, lost } = changesTo(settings, before, found);
  if (lost.length > 0) context.warn(`the kernel no longer has ${lost.join(", ")}, which is not restored`);
  const words = Object.entries(changes).map(([setting, text]) => `${setting}=${text}`);
  if (words.length > 0) await context.host.run(sh`sysctl -q -w -- ${words}`, { step: `setting ${words}` });
}

/** Settings of the kernel, now and at every boot. Settings that are no longer declared get their original value. */
export class Sysctl extends resourceClass(sysctl) {}

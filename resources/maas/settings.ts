import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { MaasClient } from "../../maas/client.ts";
import { getConfig, setConfig } from "../../maas/operations/config.ts";
import { MaasRefusal } from "../../maas/refusal.ts";
import { type Before, beforeSchema } from "../host/ledger/before-ledger.ts";
import type { Declared } from "../kernel/declared.ts";
import { defineResource, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { resourceClass } from "../kernel/resource.ts";
import { same } from "../kernel/stored-properties.ts";
import {
  beforeAnother,
  beforeLedger,
  connectionInputs,
  type MaasConnectionArgs,
  maasInputs,
} from "./region/connection.ts";
import { regionOf } from "./region/region.ts";
import {
  declaredForm,
  imageSettings,
  type MaasSettingValues,
  maasForm,
  type SettingName,
  type SettingValue,
  settingNames,
  settingValuesSchema,
} from "./region/setting-values.ts";

const schema = z.strictObject({
  host: hostInput,
  ...maasInputs,
  settings: settingValuesSchema.describe("By MAAS's names. Settings that are left out are not changed."),
});

type Inputs = z.output<typeof schema>;

export const maasSettings = defineResource({
  kind: "MaasSettings",
  version: 1,
  inputs: schema,
  outputs: z.object({
    before: beforeSchema.describe(
      "Original value of each setting, before its first declaration: it is restored when the setting is no longer declared.",
    ),
  }),
  secrets: ["apiKey"],

  async observe(context, declared, outputs) {
    const { client } = await regionOf(context.host, declared, context.warn);
    const settings = await read(client, namesIn(declared.settings));
    return {
      inputs: { ...declared, settings: settings as Inputs["settings"] },
      outputs: { before: outputs?.before ?? {} },
    };
  },

  async apply(context, wanted, observed) {
    const { client } = await regionOf(context.host, wanted, context.warn);
    const current = (observed?.inputs.settings ?? {}) as Before;
    const ledger = beforeLedger(context, wanted);
    const before = await ledger.remember(current, observed?.outputs.before ?? {});
    const left: Record<string, SettingValue> = { ...(before as Record<string, SettingValue>) };
    let changed = false;
    try {
      for (const name of namesIn(wanted.settings)) {
        const value = wanted.settings[name];
        if (value === undefined || same(value, current[name])) continue;
        await setConfig(client, name, maasForm(value));
        changed = true;
      }
      for (const name of namesIn(before).filter((known) => wanted.settings[known] === undefined)) {
        await restore(context, client, name, left[name]);
        delete left[name];
        changed = true;
      }
    } catch (error) {
      throw changed ? new PartlyApplied(error as Error, { before: left }) : error;
    }
    if (!same(left, before)) await ledger.keep(left);
    return { before: left };
  },

  async remove(context, declared, outputs) {
    const { client } = await regionOf(context.host, declared, context.warn);
    const ledger = beforeLedger(context, declared);
    const before = await ledger.recall(outputs.before ?? {});
    for (const name of namesIn(before)) await restore(context, client, name, before[name] as SettingValue);
    await ledger.keep({});
  },
});

/** The names among the keys, in the order in which settings are applied. */
function namesIn(settings: object): SettingName[] {
  return settingNames.filter((name) => (settings as MaasSettingValues)[name] !== undefined);
}

/** The values of the given settings, if MAAS has them. */
async function read(
  client: MaasClient,
  names: readonly SettingName[],
): Promise<Record<string, SettingValue>> {
  return await client.sharing(async (reader) => {
    const readings = names.map((name) =>
      getConfig(reader, name).then(
        (value) => [[name, declaredForm(name, value)]] as const,
        (error: unknown) => {
          // After an upgrade MAAS may not have a setting any more: that is drift, not an error.
          if (error instanceof MaasRefusal && error.says(/valid config setting/)) return [];
          throw error;
        },
      ),
    );
    return Object.fromEntries((await Promise.all(readings)).flat());
  });
}

async function restore(
  context: ResourceContext,
  client: MaasClient,
  name: SettingName,
  value: SettingValue | undefined,
): Promise<void> {
  const now = (await read(client, [name]))[name];
  if (value === undefined || now === undefined || same(now, value)) return;
  try {
    await setConfig(client, name, maasForm(value));
  } catch (error) {
    if (!(error instanceof MaasRefusal) || error.status !== 400) throw error;
    const why = imageSettings.includes(name) ? ", since MAAS no longer has its image" : "";
    context.warn(
      `${name} stays ${JSON.stringify(now)}: MAAS refuses the original value ${JSON.stringify(value)}${why} (${error.explanation.found})`,
    );
  }
}

/**
 * Settings of a region, by MAAS's names. The original values are stored. They are restored when a setting is no longer
 * declared, and all of them when the resource is removed.
 *
 *     new MaasSettings("dns", { maas: { host: "maas.dc1" }, settings: { dnssec_validation: "no" } });
 *
 * @throws ExplainedError if MAAS refuses a value, in particular a release or system whose images are not imported.
 */
export class MaasSettings extends resourceClass(maasSettings) {
  constructor(
    name: string,
    { maas, settings }: { maas: MaasConnectionArgs; settings: Declared<z.input<typeof settingValuesSchema>> },
    options: pulumi.CustomResourceOptions = {},
  ) {
    super(
      name,
      { ...connectionInputs(maas), settings },
      {
        ...beforeAnother,
        ...options,
        // The old proxy's URL may contain a password.
        additionalSecretOutputs: ["before", ...(options.additionalSecretOutputs ?? [])],
      },
    );
  }
}

import * as pulumi from "@pulumi/pulumi";
import { maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import {
  imageSettings,
  type MaasSettingValues,
  type SettingName,
} from "../../resources/maas/region/setting-values.ts";
import { MaasSettings as RegionSettings } from "../../resources/maas/settings.ts";
import { checkedArguments, faultsOf, plainly } from "../arguments/checked-arguments.ts";
import { derived, outputOf } from "../arguments/late-values.ts";
import { seenRegion } from "../region/region-check.ts";
import {
  airgappedProfile,
  effectiveSettings,
  type MaasSettingsArgs,
  maasSettingsSchema,
} from "./settings-args.ts";

/**
 * The settings of a region, above all those that MAAS needs without Internet. Settings that name images are set after
 * the images are imported, all others before.
 *
 * @example
 * const settings = new MaasSettings("maas", {
 *   maas: { host: "maas" },
 *   profile: "airgapped",
 *   settings: { upstream_dns: ["10.0.0.53"], ntp_servers: ["ntp.dc1.example"] },
 * });
 */
export class MaasSettings extends pulumi.ComponentResource {
  /** All values that are set, by name. */
  readonly values: pulumi.Output<MaasSettingValues>;
  /** The reason for each value of the profile, by name. */
  readonly reasons: Readonly<Record<string, string>>;
  /**
   * The settings that must be correct before images are imported. A boot source must depend on these and not on the
   * component, because other settings of the component wait for images.
   */
  readonly beforeImages: pulumi.Resource | undefined;

  constructor(name: string, args: MaasSettingsArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:MaasSettings", name, {}, options);
    const { maas: given, imagesFrom, ...declared } = args;
    const called = `MaasSettings ${name}`;
    const { settings, plain } = checkedArguments(
      this,
      called,
      declared,
      maasSettingsSchema,
      faultsOf(maasConnectionSchema, given, ["maas"]),
    );
    const maas = seenRegion(this, called, plainly(given));
    const values = derived(settings, effectiveSettings);
    const named = Object.keys(plainly(declared.settings) ?? {});
    const profiled = plain("profile") ? Object.entries(airgappedProfile) : [];
    const reasons = profiled.map(([setting, { why }]) => [setting, why] as const);
    this.values = outputOf(values);
    this.reasons = Object.fromEntries(reasons.filter(([setting]) => !named.includes(setting)));
    const set = (
      part: string,
      wanted: (setting: SettingName) => boolean,
      dependsOn: Promise<pulumi.Input<pulumi.Resource>[]>,
    ) => {
      const chosen = [...new Set([...profiled.map(([setting]) => setting), ...named])].filter((setting) =>
        wanted(setting as SettingName),
      );
      if (chosen.length === 0) return undefined;
      return new RegionSettings(
        `${name}-${part}`,
        {
          maas,
          settings: derived(values, (all) =>
            Object.fromEntries(Object.entries(all).filter(([setting]) => chosen.includes(setting))),
          ),
        },
        { parent: this, dependsOn },
      );
    };
    const namesImage = (setting: SettingName) => imageSettings.includes(setting);
    this.beforeImages = set("settings", (setting) => !namesImage(setting), Promise.resolve([]));
    set("releases", namesImage, this.#after(imagesFrom));
    this.registerOutputs({ values: this.values, reasons: this.reasons });
  }

  async #after(imagesFrom: MaasSettingsArgs["imagesFrom"]): Promise<pulumi.Input<pulumi.Resource>[]> {
    const all = [await imagesFrom, this.beforeImages].flat() as (pulumi.Input<pulumi.Resource> | undefined)[];
    return all.filter((resource) => resource !== undefined);
  }
}

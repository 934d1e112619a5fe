import * as pulumi from "@pulumi/pulumi";
import { pathText } from "../../errors/wrong-input.ts";
import {
  imageSettings,
  type MaasSettingValues,
  type SettingName,
} from "../../resources/maas/region/setting-values.ts";
import { MaasSettings as RegionSettings } from "../../resources/maas/settings.ts";
import { seenRegion } from "../region/region-check.ts";
import {
  airgappedProfile,
  effectiveSettings,
  type MaasSettingsArgs,
  maasSettingsSchema,
} from "./settings-args.ts";

/**
 * A region's settings, above all those that a MAAS without Internet needs. Those that name images are set after the
 * images are imported, all others before.
 *
 * @example
 * const settings = new MaasSettings("maas", {
 *   maas: { host: "maas" },
 *   profile: "airgapped",
 *   settings: { upstream_dns: ["10.0.0.53"], ntp_servers: ["ntp.dc1.example"] },
 * });
 */
export class MaasSettings extends pulumi.ComponentResource {
  /** All that is set, by name. */
  readonly values: MaasSettingValues;
  /** Why the profile sets what it does, by name. */
  readonly reasons: Readonly<Record<string, string>>;
  /** The settings that must be right before images are imported: a boot source depends on these, not on the component. */
  readonly beforeImages: pulumi.Resource | undefined;

  constructor(name: string, args: MaasSettingsArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:MaasSettings", name, {}, options);
    const { maas: given, imagesFrom = [], ...declared } = args;
    const maas = seenRegion(this, `MaasSettings ${name}`, given);
    const result = maasSettingsSchema.safeParse(declared);
    if (!result.success) {
      const lines = result.error.issues.map((issue) => `  ${pathText(issue.path)}: ${issue.message}`);
      throw new pulumi.RunError(`MaasSettings ${name} cannot be declared so:\n${lines.join("\n")}`);
    }
    const { profile, settings } = result.data;
    this.values = effectiveSettings(result.data);
    this.reasons = Object.fromEntries(
      Object.entries(profile ? airgappedProfile : {}).flatMap(([setting, { why }]) =>
        setting in settings ? [] : [[setting, why]],
      ),
    );
    const set = (
      part: string,
      wanted: (setting: SettingName) => boolean,
      dependsOn: Promise<pulumi.Resource[]>,
    ) => {
      const chosen = Object.entries(this.values).filter(([setting]) => wanted(setting as SettingName));
      if (chosen.length === 0) return undefined;
      const values: MaasSettingValues = Object.fromEntries(chosen);
      return new RegionSettings(`${name}-${part}`, { maas, settings: values }, { parent: this, dependsOn });
    };
    const namesImage = (setting: SettingName) => imageSettings.includes(setting);
    this.beforeImages = set("settings", (setting) => !namesImage(setting), Promise.resolve([]));
    set("releases", namesImage, this.#after(imagesFrom));
    this.registerOutputs({ values: this.values, reasons: this.reasons });
  }

  async #after(imagesFrom: MaasSettingsArgs["imagesFrom"]): Promise<pulumi.Resource[]> {
    const all = [await imagesFrom, this.beforeImages].flat() as (pulumi.Resource | undefined)[];
    return all.filter((resource) => resource !== undefined);
  }
}

import { isIP } from "node:net";
import { z } from "zod";
import { maasUrl } from "../../../maas/declared-url.ts";
import type { ConfigValue } from "../../../maas/operations/config.ts";

/** Settings of MAAS under MAAS's own names. What is left out is left alone. */
export interface MaasSettingValues {
  /** The proxy that MAAS and the machines use, a URL; `""` for none. */
  readonly http_proxy?: string | undefined;
  /** Whether machines use a proxy: MAAS's own, or `http_proxy` where that is set. */
  readonly enable_http_proxy?: boolean | undefined;
  /** Whether the region fetches images without the proxy. Heeded for the files since 3.5.9, 3.6.3 and 3.7.0 (LP 2130037). */
  readonly boot_images_no_proxy?: boolean | undefined;
  /** Addresses of the resolvers that MAAS's DNS asks for names it does not know; `[]` for none. */
  readonly upstream_dns?: readonly string[] | undefined;
  /** Whether MAAS's DNS validates answers: `auto` needs the root servers. */
  readonly dnssec_validation?: "auto" | "yes" | "no" | undefined;
  /** Names or addresses of time servers; `[]` for none. */
  readonly ntp_servers?: readonly string[] | undefined;
  /** Whether machines ask those time servers themselves instead of MAAS. */
  readonly ntp_external_only?: boolean | undefined;
  /** Whether MAAS tells of new releases. */
  readonly release_notifications?: boolean | undefined;
  /** Whether MAAS's pages load Google Analytics. */
  readonly enable_analytics?: boolean | undefined;
  /** Whether MAAS imports images every hour by itself. */
  readonly boot_images_auto_import?: boolean | undefined;
  /** Whether machines get drivers from the vendors' archives in the Internet. */
  readonly enable_third_party_drivers?: boolean | undefined;
  /** The Ubuntu release that machines are enlisted and commissioned with, e.g. `noble`; its images have to be imported. */
  readonly commissioning_distro_series?: string | undefined;
  /** What is deployed where nothing is said, e.g. `ubuntu`; its images have to be imported. */
  readonly default_osystem?: string | undefined;
  /** And which release of it, e.g. `noble`; its images have to be imported. */
  readonly default_distro_series?: string | undefined;
}

export type SettingName = keyof MaasSettingValues;
/** A value as it is declared and compared. */
export type SettingValue = string | boolean | readonly string[];

const address = z
  .string()
  .trim()
  .refine((text) => isIP(text) !== 0, "is not an address: MAAS takes no names here");

const timeServer = z
  .string()
  .trim()
  .refine(
    (text) => isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text),
    "is neither an address nor a host's name (MAAS refuses underscores)",
  );

const series = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]*$/,
    "is not a release's or system's name as MAAS has it, e.g. noble (not 24.04)",
  );

/** In the order in which they are applied: what depends on imported images comes last, the release after its system. */
const settingSchemas = {
  http_proxy: z.union(
    [z.literal(""), maasUrl],
    "is neither empty nor a URL with a host that has a dot in it",
  ),
  enable_http_proxy: z.boolean(),
  boot_images_no_proxy: z.boolean(),
  upstream_dns: z.array(address),
  dnssec_validation: z.enum(["auto", "yes", "no"]),
  ntp_servers: z.array(timeServer),
  ntp_external_only: z.boolean(),
  release_notifications: z.boolean(),
  enable_analytics: z.boolean(),
  boot_images_auto_import: z.boolean(),
  enable_third_party_drivers: z.boolean(),
  commissioning_distro_series: series,
  default_osystem: series,
  default_distro_series: series,
} satisfies Record<SettingName, z.ZodType>;

export const settingNames = Object.keys(settingSchemas) as readonly SettingName[];

/** Settings that MAAS takes only when the images that they name are imported. */
export const imageSettings: readonly SettingName[] = [
  "commissioning_distro_series",
  "default_osystem",
  "default_distro_series",
];

export const settingValuesSchema = z.strictObject(settingSchemas).partial();

/** MAAS's value as one declares it: nothing is `""`, false or an empty list, however MAAS writes it. */
export function declaredForm(name: SettingName, value: ConfigValue): SettingValue {
  const schema = settingSchemas[name];
  if (schema instanceof z.ZodBoolean) return value === true || value === "true";
  const text = String(value ?? "").trim();
  return schema instanceof z.ZodArray ? text.split(/[\s,]+/).filter(Boolean) : text;
}

/** A declared value as MAAS takes it. */
export function maasForm(value: SettingValue): ConfigValue {
  return typeof value === "object" ? value.join(" ") : (value as string | boolean);
}

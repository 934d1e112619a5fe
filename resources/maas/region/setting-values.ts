import { isIP } from "node:net";
import { z } from "zod";
import { maasUrl } from "../../../maas/declared-url.ts";
import type { ConfigValue } from "../../../maas/operations/config.ts";

const address = z
  .string()
  .trim()
  .refine((text) => isIP(text) !== 0, "is not an address: MAAS accepts no names here");

const timeServer = z
  .string()
  .trim()
  .refine(
    (text) => isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text),
    "is neither an address nor a host name (MAAS refuses underscores)",
  );

const series = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/, "is not MAAS's name of a release or system, e.g. noble (not 24.04)");

/**
 * In the order in which they are applied: settings that need imported images come last, the release after its system.
 */
const settingSchemas = {
  http_proxy: z
    .union([z.literal(""), maasUrl], "is neither empty nor a URL with a host that has a dot in it")
    .meta({
      description:
        'URL of the proxy of MAAS and the machines, without a password, because MAAS would show it. "" for no proxy.',
      typeText: 'http or https URL, or ""',
    }),
  enable_http_proxy: z
    .boolean()
    .describe("Whether machines use a proxy: http_proxy if it is set, otherwise MAAS's own."),
  boot_images_no_proxy: z
    .boolean()
    .describe(
      "Whether the region fetches images without the proxy. It applies to the files since 3.5.9, 3.6.3 and 3.7.0 (LP 2130037).",
    ),
  upstream_dns: z
    .array(address)
    .describe("Addresses of the resolvers to which MAAS's DNS forwards queries. [] for none."),
  dnssec_validation: z
    .enum(["auto", "yes", "no"])
    .describe("Whether MAAS's DNS validates answers. auto needs the root servers."),
  ntp_servers: z.array(timeServer).describe("Names or addresses of time servers. [] for none."),
  ntp_external_only: z
    .boolean()
    .describe("Whether machines use these time servers directly instead of MAAS."),
  release_notifications: z.boolean().describe("Whether MAAS notifies of new releases."),
  enable_analytics: z.boolean().describe("Whether MAAS's pages load Google Analytics."),
  boot_images_auto_import: z.boolean().describe("Whether MAAS imports images automatically every hour."),
  enable_third_party_drivers: z
    .boolean()
    .describe("Whether machines get drivers from vendors' archives in the Internet."),
  commissioning_distro_series: series.meta({
    description: "Ubuntu release for enlisting and commissioning machines. Its images must be imported.",
    examples: ["noble"],
  }),
  default_osystem: series.meta({
    description: "Operating system that is deployed by default. Its images must be imported.",
    examples: ["ubuntu"],
  }),
  default_distro_series: series.meta({
    description: "Release that is deployed by default. Its images must be imported.",
    examples: ["noble"],
  }),
};

/** Settings of MAAS, by MAAS's names. Settings that are left out are not changed. */
export const settingValuesSchema = z.strictObject(settingSchemas).partial();

export type MaasSettingValues = z.input<typeof settingValuesSchema>;
export type SettingName = keyof MaasSettingValues;
/** A value in the declared form, which is compared. */
export type SettingValue = string | boolean | readonly string[];

export const settingNames = Object.keys(settingSchemas) as readonly SettingName[];

/** Settings that MAAS accepts only if their images are imported. */
export const imageSettings: readonly SettingName[] = [
  "commissioning_distro_series",
  "default_osystem",
  "default_distro_series",
];

/** MAAS's value in the declared form: an unset value is `""`, false or an empty list, in any spelling of MAAS. */
export function declaredForm(name: SettingName, value: ConfigValue): SettingValue {
  const schema = settingSchemas[name];
  if (schema instanceof z.ZodBoolean) return value === true || value === "true";
  const text = String(value ?? "").trim();
  return schema instanceof z.ZodArray ? text.split(/[\s,]+/).filter(Boolean) : text;
}

/** A declared value in the form for MAAS. */
export function maasForm(value: SettingValue): ConfigValue {
  return typeof value === "object" ? value.join(" ") : (value as string | boolean);
}

import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { DeclaredValue } from "../../resources/kernel/declared.ts";
import { maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import { type MaasSettingValues, settingValuesSchema } from "../../resources/maas/region/setting-values.ts";
import { resourceSchema } from "../arguments/resource-schema.ts";

/* The arguments of MaasSettings: programs and the stack file use the same schema. */

/** The value of a setting without Internet, and the reason. */
interface ProfiledSetting<Value> {
  readonly value: Value;
  readonly why: string;
}

/**
 * The settings of `profile: "airgapped"`. Resolvers, time servers and proxies depend on the data centre, so they are unchanged
 * unless they are declared.
 */
export const airgappedProfile = {
  enable_http_proxy: {
    value: false,
    why: "machines would fetch all packages, also the mirror's, through MAAS's proxy, which has no route to the Internet",
  },
  boot_images_no_proxy: {
    value: true,
    why: "the image mirror is in the data centre: MAAS must not use a proxy that is set for another purpose (LP 2130037)",
  },
  dnssec_validation: {
    value: "no",
    why: "validation starts at the root servers, which are not reachable: every forwarded answer would be SERVFAIL",
  },
  ntp_external_only: {
    value: false,
    why: "machines get the time from MAAS's servers, which agree with each other even if no server on the Internet answers",
  },
  release_notifications: {
    value: false,
    why: "the notifications are about upgrades from the Internet",
  },
  enable_analytics: {
    value: false,
    why: "MAAS's pages load it from the Internet, and wait for it",
  },
  boot_images_auto_import: {
    value: false,
    why: "images change only with an update of the stack, not every hour",
  },
  enable_third_party_drivers: {
    value: false,
    why: "MAAS would add ppa.launchpad.net to machines with certain controllers, and their deployment would fail",
  },
} as const satisfies {
  readonly [Name in keyof MaasSettingValues]?: ProfiledSetting<MaasSettingValues[Name]>;
};

const decidesResources = "it decides which resources exist";

const shape = {
  profile: z.enum(["airgapped"], { error: "is not a profile: there is airgapped" }).optional().meta({
    description: "Values for a MAAS without Internet. Values in settings override them.",
    plain: decidesResources,
    see: "maas-settings.md#the-profile",
  }),
  settings: settingValuesSchema.default({}).meta({
    description:
      "Settings, with MAAS's names. Settings that are neither here nor in the profile are not changed.",
    plain: `${decidesResources}. Give the values in it as outputs`,
  }),
};

export const maasSettingsSchema = z.strictObject(shape).superRefine(({ profile, settings }, context) => {
  if (!profile && Object.keys(settings).length === 0) {
    context.addIssue({ code: "custom", message: "declares nothing: name a profile or settings" });
  }
  const { enable_http_proxy: enabled, http_proxy: proxy } = settings;
  if (proxy && (enabled === false || (enabled === undefined && profile))) {
    context.addIssue({
      code: "custom",
      path: ["settings", "enable_http_proxy"],
      message: "must be true for http_proxy to be used: MAAS stores the proxy, but does not use it otherwise",
    });
  }
  if (settings.ntp_external_only && settings.ntp_servers?.length === 0) {
    context.addIssue({
      code: "custom",
      path: ["settings", "ntp_servers"],
      message: "are needed with ntp_external_only: machines would have none at all",
    });
  }
});

const resource = resourceSchema<pulumi.Resource>("a resource");

/** All arguments in a program. */
export const maasSettingsArguments = z.strictObject({
  maas: maasConnectionSchema.meta({
    description: "The MAAS region: one of its hosts, and how to use its API.",
    see: "maas-settings.md#how-maas-is-reached",
  }),
  ...shape,
  imagesFrom: z
    .union([resource, z.array(resource)])
    .optional()
    .meta({
      description:
        "Resources that import the images of commissioning_distro_series, default_osystem and default_distro_series. These settings wait for them. Give a promise if the resource is declared later, because it waits for beforeImages.",
      defaultText: "no resource: the images exist",
      typeText: "a resource, or a list of resources",
    }),
});

export type MaasSettingsArgs = DeclaredValue<z.input<typeof maasSettingsArguments>>;

/** All values to set: those of the profile, overridden by the declared ones. */
export function effectiveSettings({
  profile,
  settings,
}: z.output<typeof maasSettingsSchema>): MaasSettingValues {
  const fromProfile = profile
    ? Object.fromEntries(Object.entries(airgappedProfile).map(([name, { value }]) => [name, value]))
    : {};
  return { ...fromProfile, ...settings };
}

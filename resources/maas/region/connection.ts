import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { isApiKey } from "../../../maas/api-key.ts";
import { secretText } from "../../../values/schema-marks.ts";
import { BeforeLedger } from "../../host/ledger/before-ledger.ts";
import type { DeclaredValue } from "../../kernel/declared.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { hostName } from "../../kernel/host-input.ts";

const fields = {
  url: z
    .string()
    .regex(
      /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
      "is not a URL of MAAS: use a URL such as http://localhost:5240/MAAS (without a user, a query or a fragment)",
    )
    .transform((url) => url.replace(/\/+(api\/2\.0)?\/*$/, ""))
    .default("http://localhost:5240/MAAS")
    .meta({
      description: "URL of MAAS with its path, as seen from that host, or with direct from the workstation.",
      typeText: "http or https URL",
    }),
  user: z
    .string()
    .regex(/^[\w.@+-]{1,150}$/, "is not a valid user name of MAAS")
    .default("admin")
    .describe(
      "Administrator whose API key is read on the host (maas apikey --username). If there are several keys, the oldest one is used.",
    ),
  direct: z
    .boolean()
    .default(false)
    .describe(
      "Use the API directly from the workstation, without SSH (only with https). Previous values are then recorded only in the state.",
    ),
  ca: z
    .string()
    .regex(/-----BEGIN CERTIFICATE-----/, "is not a certificate in PEM form")
    .optional()
    .meta({
      description: "PEM text of the authorities that signed MAAS's certificate.",
      defaultText: "those that the workstation trusts",
      typeText: "PEM text",
    }),
};

const apiKey = secretText(
  z
    .string()
    .refine(isApiKey, "is not an API key of MAAS: use a line that `maas apikey --username USER` prints"),
)
  .optional()
  .meta({
    description: "An administrator's API key, instead of reading one on the host.",
    defaultText: "read on the host",
  });

function refuseReadableKey(
  { direct, url }: { readonly direct: boolean; readonly url: string },
  context: z.RefinementCtx,
): void {
  if (!direct || url.startsWith("https://")) return;
  context.addIssue({
    code: "custom",
    path: ["url"],
    message: "must be https with direct: otherwise the API key would be sent unencrypted",
  });
}

/** The inputs of every MAAS resource, in addition to `host`. The key is separate, so that the rest can be shown. */
export const maasInputs = {
  maas: z.strictObject(fields).superRefine(refuseReadableKey).prefault({}),
  apiKey,
};

export type MaasInputs = z.output<z.ZodObject<typeof maasInputs>>;

/** The declared connection to MAAS, the same for all MAAS components. */
export const maasConnectionSchema = z
  .strictObject({
    host: hostName.describe(
      "A region host, with the name as in the command ssh HOST. Requests are sent through its SSH connection, and root on the host reads the API key.",
    ),
    ...fields,
    apiKey,
  })
  .superRefine(refuseReadableKey);

export type MaasConnectionArgs = DeclaredValue<z.input<typeof maasConnectionSchema>>;

/**
 * The original values of MAAS before a resource of its region changed them. Without SSH to a region host they are only
 * in the state.
 */
export function beforeLedger(context: ResourceContext, { maas }: MaasInputs): BeforeLedger {
  return new BeforeLedger(context, { onHost: !maas.direct });
}

/** A resource's inputs from the declared connection. The resource's definition marks the key as secret. */
export function connectionInputs({ host, apiKey, ...maas }: MaasConnectionArgs) {
  return { host, maas, ...(apiKey === undefined ? {} : { apiKey }) };
}

/**
 * Options of all resources of a region. Another host may belong to the same region: if the new resource were created
 * first, it would store our values as the original ones, and the old one would then undo them.
 */
export const beforeAnother: pulumi.CustomResourceOptions = { deleteBeforeReplace: true };

import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { isApiKey } from "../../../maas/api-key.ts";
import { BeforeLedger } from "../../host/ledger/before-ledger.ts";
import type { ResourceContext } from "../../kernel/definition.ts";

/** How MAAS is reached, the same for everything that concerns MAAS. */
export interface MaasConnectionArgs {
  /**
   * A region host, as one would name it after `ssh`. Requests go through its SSH connection, so the API need not be
   * reachable from here, and its root reads the API key.
   */
  readonly host: pulumi.Input<string>;
  /**
   * Where MAAS is, as seen from that host, or with `direct` from this workstation; with its path.
   * @default "http://localhost:5240/MAAS"
   */
  readonly url?: pulumi.Input<string> | undefined;
  /** The administrator whose API key `maas apikey --username` prints on the host. @default "admin" */
  readonly user?: pulumi.Input<string> | undefined;
  /** An administrator's API key, instead of reading one on the host. Secret. */
  readonly apiKey?: pulumi.Input<string> | undefined;
  /** Speak to `url` straight from this workstation, without SSH; https only. @default false */
  readonly direct?: pulumi.Input<boolean> | undefined;
  /** PEM text of the authorities that signed MAAS's certificate. @default those that this workstation trusts */
  readonly ca?: pulumi.Input<string> | undefined;
}

const connectionSchema = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
        "is not where MAAS is: use a URL such as http://localhost:5240/MAAS (without a user, a query or a fragment)",
      )
      .transform((url) => url.replace(/\/+(api\/2\.0)?\/*$/, ""))
      .default("http://localhost:5240/MAAS"),
    user: z
      .string()
      .regex(/^[\w.@+-]{1,150}$/, "is not a name that a user of MAAS can have")
      .default("admin"),
    direct: z.boolean().default(false),
    ca: z
      .string()
      .regex(/-----BEGIN CERTIFICATE-----/, "is not a certificate in PEM form")
      .optional(),
  })
  .superRefine(({ direct, url }, context) => {
    if (!direct || url.startsWith("https://")) return;
    context.addIssue({
      code: "custom",
      path: ["url"],
      message: "must be https with direct: the API key would be readable on the way",
    });
  });

/** The inputs that every resource of MAAS has besides `host`. The key stands apart, so that the rest can be shown. */
export const maasInputs = {
  maas: connectionSchema.prefault({}),
  apiKey: z
    .string()
    .refine(isApiKey, "is not an API key of MAAS: use a line that `maas apikey --username USER` prints")
    .optional(),
};

export type MaasInputs = z.output<z.ZodObject<typeof maasInputs>>;

/** For components that check their arguments: the connection as a user writes it. */
export const maasConnectionSchema = z
  .strictObject({
    host: z.string().regex(/^[A-Za-z0-9_.@][A-Za-z0-9_.@:-]*$/, "is not a name one could type after ssh"),
    url: z.string().optional(),
    user: z.string().optional(),
    apiKey: z.string().optional(),
    direct: z.boolean().optional(),
    ca: z.string().optional(),
  })
  .superRefine(({ host: _, apiKey, ...maas }, context) => {
    const result = z.object(maasInputs).safeParse({ maas, ...(apiKey === undefined ? {} : { apiKey }) });
    for (const { path, message } of result.error?.issues ?? []) {
      context.addIssue({ code: "custom", path: path.filter((key) => key !== "maas"), message });
    }
  });

/** What MAAS had before a resource of its region changed it; without SSH to a region host there is nowhere to keep it. */
export function beforeLedger(context: ResourceContext, { maas }: MaasInputs): BeforeLedger {
  return new BeforeLedger(context, { onHost: !maas.direct });
}

/** A resource's inputs from what a person declares. The resource's definition says that the key is secret. */
export function connectionInputs({ host, apiKey, ...maas }: MaasConnectionArgs) {
  return { host, maas, ...(apiKey === undefined ? {} : { apiKey }) };
}

/**
 * Options of all resources of a region. Another host may be another door to the same region: made first, the new resource
 * would take our values for those that were there before, and the old one would then undo them.
 */
export const beforeAnother: pulumi.CustomResourceOptions = { deleteBeforeReplace: true };

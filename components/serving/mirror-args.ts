import { isAbsolute, normalize } from "node:path/posix";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { mirrorsDirectory } from "../../resources/mirror/published-tree/mirrors-directory.ts";

/* What the arguments of all mirrors have in common. */

/** As one would type it after `ssh`. */
export const hostName = z
  .string()
  .regex(/^[A-Za-z0-9_.@][A-Za-z0-9_.@:-]*$/, "is not a name one could type after ssh");

export const absolutePath = z
  .string()
  .refine(
    (path) => isAbsolute(path) && normalize(path) === path && !path.endsWith("/") && !/[\n\0]/.test(path),
    {
      error: "is not an absolute path without a trailing slash",
    },
  );

/** Where a mirror is kept that is not where mirrors are by default, or where it was by default under another name. */
export const mirrorDirectory = absolutePath
  // It stands in configurations of nginx and reprepro and in lists, which have no way to write these.
  .regex(
    /^[^\s\x00-\x1f\x7f$;{}\\]*$/,
    "has a blank, a control character or one of $ ; { } \\, which no web server's configuration can name",
  )
  .refine(
    (path) => {
      if (`${mirrorsDirectory}/`.startsWith(`${path}/`)) return false;
      if (!path.startsWith(`${mirrorsDirectory}/`)) return true;
      const [stack, ...below] = path.slice(mirrorsDirectory.length + 1).split("/");
      return stack !== "store" && below.length === 2;
    },
    {
      error: `overlaps with ${mirrorsDirectory}, where mirrors without a directory and their store are: name a directory elsewhere, or a mirror's own there (${mirrorsDirectory}/STACK/apt/NAME)`,
    },
  );

/** A mirror's name, as it stands in paths, units and keys. */
export const mirrorName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "is not a name for a mirror: use small letters, digits and hyphens");

export const snapshotName = z
  .string()
  .regex(/^[0-9]{6}-[0-9a-f]{12}$/, "is not a snapshot's name such as 000007-0f3c2a9be114");

export const emptyList = "is empty: name at least one";

/** A list that is not empty and names nothing twice. */
export function unique<T extends z.ZodType<string>>(items: T) {
  return distinct(items).min(1, emptyList);
}

/** A list that names nothing twice. */
export function distinct<T extends z.ZodType<string>>(items: T) {
  return z.array(items).superRefine((list, context) => {
    for (const [index, item] of list.entries()) {
      if (list.indexOf(item) !== index)
        context.addIssue({ code: "custom", path: [index], message: "is named twice" });
    }
  });
}

/** How what a host publishes is reached. */
export interface ServeArgs {
  /** @default 80, or 443 with `tls` */
  readonly port?: number | undefined;
  /** Host names it answers to. @default any */
  readonly serverNames?: string[] | undefined;
  /** Name or address that clients use. @default the first server name, else what ssh resolves the host to */
  readonly address?: string | undefined;
  /** PEM texts of the certificate chain and its private key, which is kept secret. */
  readonly tls?: { readonly certificate: string; readonly key: pulumi.Input<string> } | undefined;
}

/** How clients reach a mirror, which is at `standardPath` when nothing else is said. */
export function serveSchema(standardPath: string) {
  return z
    .strictObject({
      port: z.int().min(1, "is not a TCP port").max(65_535, "is not a TCP port").optional(),
      path: z
        .string()
        .regex(/^(\/[A-Za-z0-9][A-Za-z0-9._~-]*)*\/?$/, "is not a plain URL path such as /ubuntu")
        // It is the name of a file of nginx's.
        .max(200, "is longer than 200 characters")
        .transform((path) => path.replace(/\/$/, ""))
        .default(standardPath),
      serverNames: z
        .array(
          z
            .string()
            .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i, "is not a host name")
            .refine(
              (name) => name.length <= 253 && name.split(".").every((label) => label.length <= 63),
              "is longer than a host name can be: 253 characters, 63 between two dots",
            )
            // nginx and its clients do not tell cases apart.
            .toLowerCase(),
        )
        .default([]),
      address: z
        .string()
        .regex(/^[A-Za-z0-9._:[\]-]+$/, "is not a host name or an address")
        .optional(),
      tls: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).optional(),
    })
    .transform(({ port, ...rest }) => ({ port: port ?? (rest.tls ? 443 : 80), ...rest }));
}

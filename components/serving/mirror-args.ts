import { isAbsolute, normalize } from "node:path/posix";
import { z } from "zod";
import { hostName } from "../../resources/kernel/host-input.ts";
import { mirrorsDirectory } from "../../resources/mirror/published-tree/mirrors-directory.ts";
import { secretText } from "../../values/schema-marks.ts";

/* The arguments that all mirrors share. */

export const absolutePath = z
  .string()
  .refine(
    (path) => isAbsolute(path) && normalize(path) === path && !path.endsWith("/") && !/[\n\0]/.test(path),
    {
      error: "is not an absolute path without a trailing slash",
    },
  )
  .meta({ typeText: "absolute path" });

/** A directory outside the default place, or the default directory of another name. */
const ownDirectory = absolutePath
  // The path is written into configurations of nginx and reprepro, and into lists. They cannot quote these
  // characters.
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

/** A mirror's name. It is part of paths, units and keys. */
export const mirrorName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "is not a name for a mirror: use small letters, digits and hyphens")
  .meta({ typeText: "name" });

const snapshotName = z
  .string()
  .regex(/^[0-9]{6}-[0-9a-f]{12}$/, "is not a snapshot's name such as 000007-0f3c2a9be114")
  .meta({ typeText: "name of a snapshot" });

export const emptyList = "is empty: name at least one";

/** A list with at least one entry and without duplicates. */
export function unique<T extends z.ZodType<string>>(items: T) {
  return distinct(items).min(1, emptyList);
}

/** A list without duplicates. */
export function distinct<T extends z.ZodType<string>>(items: T) {
  return z.array(items).superRefine((list, context) => {
    for (const [index, item] of list.entries()) {
      if (list.indexOf(item) !== index)
        context.addIssue({ code: "custom", path: [index], message: "is listed twice" });
    }
  });
}

/** The host of every component that publishes something. */
export const publishingHost = hostName.describe(
  "The host that publishes it, with the name as in the command ssh HOST. Address, user, key and jump host come from OpenSSH's configuration. Another host replaces the resources.",
);

/** A kept snapshot to serve again, for content that comes from upstream. */
export const pinnedTo = snapshotName.optional().meta({
  description: "Serve this kept snapshot again. Upstream is not read.",
  defaultText: "the newest snapshot",
  examples: ["000007-0f3c2a9be114"],
  see: "operations.md#rolling-back-to-an-earlier-snapshot",
});

/**
 * The arguments for the directory on the host, and for what remains after a deletion.
 *
 * @param kind The directory below the stack's directory: `apt`, `images` or `custom-images`.
 * @param what What remains when the mirror is deleted.
 */
export function keepingSchema(kind: string, what: string) {
  return {
    directory: ownDirectory.optional().meta({
      description:
        "Directory on the host, for example on another file system. It then contains a separate store. A directory with other files is refused. If you change it, the content is replaced and fetched again.",
      defaultText: `${mirrorsDirectory}/STACK/${kind}/NAME`,
    }),
    nameOnHost: mirrorName.optional().meta({
      description:
        "Its name on the host, in paths and in its key. To rename it, set the old name here (in a program also as an alias). Then nothing changes on the host.",
      defaultText: "its name",
      plain: "it is part of names on the host",
      see: "operations.md#renaming-a-mirror",
    }),
    deleteContent: z
      .boolean()
      .default(false)
      .describe(`Delete ${what} when it is deleted. Otherwise they stay, and a warning shows where.`),
  };
}

const certificateOfServer = z
  .strictObject({
    certificate: z.string().min(1).meta({
      description: "PEM text of the certificate, followed by its chain.",
      typeText: "PEM text",
    }),
    key: secretText(z.string().min(1)).meta({
      description: "PEM text of its private key, without a passphrase.",
      typeText: "PEM text",
    }),
  })
  .meta({ holdsSecret: true });

/** How clients reach a mirror. The default path is `standardPath`. */
export function serveSchema(standardPath: string, standardPathText?: string) {
  return z
    .strictObject({
      port: z.int().min(1, "is not a TCP port").max(65_535, "is not a TCP port").optional().meta({
        description: "TCP port that the web server listens on.",
        defaultText: "80, or 443 with tls",
      }),
      path: z
        .string()
        .regex(/^(\/[A-Za-z0-9][A-Za-z0-9._~-]*)*\/?$/, "is not a plain URL path such as /ubuntu")
        // It becomes the name of a file in nginx's configuration.
        .max(200, "is longer than 200 characters")
        .transform((path) => path.replace(/\/$/, ""))
        .default(standardPath)
        .meta({
          description: "URL path of the content.",
          typeText: "URL path",
          ...(standardPathText ? { defaultText: standardPathText } : {}),
        }),
      serverNames: z
        .array(
          z
            .string()
            .regex(
              /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/,
              "is not a host name",
            )
            .refine(
              (name) => name.length <= 253 && name.split(".").every((label) => label.length <= 63),
              "is longer than a host name can be: 253 characters, 63 between two dots",
            )
            // Host names are case-insensitive.
            .toLowerCase(),
        )
        .default([])
        .meta({
          description:
            "Host names of the web server. Without names, on port 80, Debian's welcome page is removed, and restored when the mirror is deleted.",
          defaultText: "any name",
        }),
      address: z
        .string()
        .regex(/^[A-Za-z0-9._:[\]-]+$/, "is not a host name or an address")
        .optional()
        .meta({
          description:
            "Name or address that clients use, if it is not the one that ssh uses. It is in all URLs for clients. MAAS refuses names without a dot.",
          defaultText: "the first server name, otherwise the HostName of the ssh configuration",
        }),
      tls: certificateOfServer.optional().meta({
        description: "Certificate and key for HTTPS.",
        defaultText: "none, the web server uses HTTP",
        see: "getting-started.md#https",
      }),
    })
    .transform(({ port, ...rest }) => ({ port: port ?? (rest.tls ? 443 : 80), ...rest }));
}

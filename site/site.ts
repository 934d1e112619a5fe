import { z } from "zod";
import { aptMirrorSchema } from "../components/apt-mirror-args.ts";
import { serverKey } from "../components/web-site.ts";

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,30}$/,
    "is not a name for a mirror: use small letters, digits and hyphens, e.g. ubuntu",
  );

/** Asks a client, as its user would, whether it is served. */
const clientCheckSchema = z.strictObject({
  /** A client of the mirror, as one would type it after ssh. */
  host: z.string().min(1),
  /** Which of `aptMirrors` it uses. */
  mirror: name,
  /** A package it installs from there. */
  package: z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "is not a package's name"),
});

/** A datacentre as data: the configuration of a stack, below `airgapped-maas:`. */
export const siteSchema = z
  .strictObject({
    /** An ssh_config file, relative to the project. Default: the user's own. */
    sshConfig: z.string().min(1).optional(),
    aptMirrors: z.record(name, aptMirrorSchema).default({}),
    clientChecks: z.record(name, clientCheckSchema).default({}),
  })
  .superRefine((site, context) => {
    const mirrors = Object.entries(site.aptMirrors);
    for (const [index, [later, two]] of mirrors.entries()) {
      for (const [earlier, one] of mirrors.slice(0, index)) {
        if (one.host !== two.host) continue;
        const clash = clashOf(one, two);
        if (clash)
          context.addIssue({
            code: "custom",
            path: ["aptMirrors", later, ...clash.path],
            message: clash.message(earlier),
          });
      }
    }
    for (const [check, { mirror }] of Object.entries(site.clientChecks)) {
      if (mirror in site.aptMirrors) continue;
      const known = Object.keys(site.aptMirrors).join(", ") || "none";
      context.addIssue({
        code: "custom",
        path: ["clientChecks", check, "mirror"],
        message: `names no mirror of aptMirrors (there is ${known})`,
      });
    }
  });

export type Site = z.output<typeof siteSchema>;
type Mirror = Site["aptMirrors"][string];

interface Clash {
  readonly path: PropertyKey[];
  message(other: string): string;
}

/** What two mirrors of one host cannot both have. */
function clashOf(one: Mirror, two: Mirror): Clash | undefined {
  if (one.directory && two.directory && overlap(one.directory, two.directory)) {
    return {
      path: ["directory"],
      message: (other) => `overlaps with the directory of ${other} (${one.directory})`,
    };
  }
  if (one.serve.port !== two.serve.port) return undefined;
  if (Boolean(one.serve.tls) !== Boolean(two.serve.tls)) {
    return {
      path: ["serve", "port"],
      message: (other) => `${two.serve.port} is served with TLS by one and without by the other (${other})`,
    };
  }
  const sameServer = serverKey(one.serve) === serverKey(two.serve);
  const shared = two.serve.serverNames.find((serverName) => one.serve.serverNames.includes(serverName));
  if (!sameServer && shared) {
    return {
      path: ["serve", "serverNames"],
      message: (other) =>
        `${shared} is also a name of ${other}: give both the same serverNames, or different ports`,
    };
  }
  if (sameServer && overlap(one.serve.path, two.serve.path)) {
    return {
      path: ["serve", "path"],
      message: (other) =>
        `${two.serve.path || "/"} overlaps with ${one.serve.path || "/"} of ${other} on the same port and names`,
    };
  }
  return undefined;
}

function overlap(one: string, two: string): boolean {
  return one === two || `${one}/`.startsWith(`${two}/`) || `${two}/`.startsWith(`${one}/`);
}

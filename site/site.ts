import { z } from "zod";
import { aptMirrorSchema } from "../components/apt-mirror/args.ts";
import { clientCheckSchema } from "../components/apt-mirror/client-check-args.ts";
import { servedAt, siteCustomImageSchema } from "../components/custom-image/args.ts";
import { imageMirrorSchema } from "../components/image-mirror/args.ts";
import { mirrorName } from "../components/serving/mirror-args.ts";
import { serverKey } from "../components/serving/web-site.ts";
import { maasRegionSchema, regionFaults } from "./maas-region.ts";

/** The declaration of a data centre: the configuration of a stack, below `airgapped-maas:`. */
export const siteSchema = z
  .strictObject({
    sshConfig: z.string().min(1).optional().meta({
      description: "Path of an ssh_config file, relative to the project.",
      defaultText: "the user's own",
      typeText: "path",
      see: "getting-started.md#3-ssh",
    }),
    aptMirrors: z.record(mirrorName, aptMirrorSchema).default({}).meta({
      description: "Mirrors of packages, by name.",
      see: "apt-mirror.md",
    }),
    imageMirrors: z.record(mirrorName, imageMirrorSchema).default({}).meta({
      description: "Mirrors of MAAS's images, by name.",
      see: "image-mirror.md",
    }),
    customImages: z.record(mirrorName, siteCustomImageSchema).default({}).meta({
      description: "Custom images, by name.",
      see: "custom-image.md",
    }),
    maas: maasRegionSchema.optional().meta({
      description: "The MAAS region of the data centre, and its configuration.",
      defaultText: "not changed",
    }),
    clientChecks: z.record(mirrorName, clientCheckSchema).default({}).meta({
      description: "Clients that test a mirror after each change of it.",
      see: "getting-started.md#have-a-client-checked",
    }),
  })
  .superRefine((site, context) => {
    if (declaresNothing(site)) {
      context.addIssue({
        code: "custom",
        path: [],
        message:
          "declares no aptMirrors, imageMirrors, customImages or maas: is this the file that was meant? " +
          "`pulumi destroy` removes what a stack has made. An empty file does not",
      });
      return;
    }
    const mirrors = mirrorsOf(site);
    for (const [index, later] of mirrors.entries()) {
      for (const earlier of mirrors.slice(0, index)) {
        if (earlier.host !== later.host) continue;
        const clash = clashOf(earlier, later);
        if (clash)
          context.addIssue({
            code: "custom",
            path: [later.key, later.name, ...clash.path],
            message: clash.message(earlier.name),
          });
      }
    }
    for (const { path, message } of regionFaults(site.maas, site)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    for (const [check, { mirror }] of Object.entries(site.clientChecks)) {
      if (Object.hasOwn(site.aptMirrors, mirror)) continue;
      const known = Object.keys(site.aptMirrors).join(", ") || "none";
      context.addIssue({
        code: "custom",
        path: ["clientChecks", check, "mirror"],
        message: `names no mirror of aptMirrors (there is ${known})`,
      });
    }
  });

export type Site = z.output<typeof siteSchema>;

function declaresNothing({ aptMirrors, imageMirrors, customImages, maas }: Site): boolean {
  return !maas && [aptMirrors, imageMirrors, customImages].every((all) => Object.keys(all).length === 0);
}

type MirrorKey = "aptMirrors" | "imageMirrors" | "customImages";

interface Mirror {
  readonly key: MirrorKey;
  readonly name: string;
  readonly host: string;
  readonly serve: Site["imageMirrors"][string]["serve"];
  readonly directory?: string | undefined;
  readonly nameOnHost?: string | undefined;
}

/** All mirrors of all kinds, because they share the host's directories, ports and URLs. */
function mirrorsOf(site: Pick<Site, MirrorKey>): Mirror[] {
  const keys = ["aptMirrors", "imageMirrors"] as const;
  const mirrors = keys.flatMap((key) =>
    Object.entries(site[key]).map(([name, mirror]) => ({ ...mirror, key, name })),
  );
  const streams = Object.entries(site.customImages).flatMap(([name, image]) =>
    image.via === "stream"
      ? [
          {
            ...image,
            serve: servedAt(image.serve, image.nameOnHost ?? name),
            key: "customImages" as const,
            name,
          },
        ]
      : [],
  );
  return [...mirrors, ...streams];
}

interface Clash {
  readonly path: PropertyKey[];
  message(other: string): string;
}

/** A value that two mirrors of one host must not share. */
function clashOf(one: Mirror, two: Mirror): Clash | undefined {
  const called = two.nameOnHost ?? two.name;
  if (called === (one.nameOnHost ?? one.name)) {
    return {
      path: two.nameOnHost ? ["nameOnHost"] : [],
      message: (other) =>
        `${called} is also the name of ${other} (${one.key}) on ${two.host}: give one of them another name, or a nameOnHost`,
    };
  }
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
  if (sameServer && one.serve.tls?.certificate !== two.serve.tls?.certificate) {
    return {
      path: ["serve", "tls", "certificate"],
      message: (other) =>
        `differs from that of ${other}, which answers to the same port and names: give both the same one, or different serverNames`,
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

import { isAbsolute, normalize } from "node:path/posix";
import { z } from "zod";

/*
 * The arguments of AptMirror: what a user may write, its defaults, and what is wrong with it in the user's
 * words. The stack's configuration uses the same schema, so an error there names the value's path in the YAML.
 */

const hostName = z
  .string()
  .regex(/^[A-Za-z0-9_.@][A-Za-z0-9_.@:-]*$/, "is not a name one could type after ssh");

const suite = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.+-]*$/,
    "is not a suite's name: use e.g. noble, noble-updates (no slash, no blanks)",
  );

const component = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.+-]*$/, "is not a component's name: use e.g. main, universe");

const architecture = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "is not an architecture's name: use Debian's, e.g. amd64, arm64")
  .refine((name) => !["all", "any", "source", "x86_64", "aarch64"].includes(name), {
    error: (issue) =>
      ({
        x86_64: "is called amd64 in Debian's terms",
        aarch64: "is called arm64 in Debian's terms",
        source: "is not an architecture here: set extras.sources",
      })[String(issue.input)] ?? "is always included: name the machines' architectures only",
  });

const packagePattern = z
  .string()
  .regex(
    /^[a-z0-9*?[][a-z0-9+.*?[\]-]*$/,
    "is neither a package's name nor a pattern of one (* and ? are allowed)",
  );

const absolutePath = z
  .string()
  .refine(
    (path) => isAbsolute(path) && normalize(path) === path && !path.endsWith("/") && !/[\n\0]/.test(path),
    {
      error: "is not an absolute path without a trailing slash",
    },
  );

/** Durations as people write them: 30d, 12h, 45m, 2w. */
const duration = z.string().regex(/^[1-9][0-9]{0,4}(m|h|d|w)$/, "is not a duration: use e.g. 30d, 2w or 12h");

/** Seconds of a duration such as `30d`. */
export function secondsOf(text: string): number {
  const unit = { m: 60, h: 3600, d: 86_400, w: 604_800 }[text.slice(-1)];
  if (!unit) throw new TypeError(`${text} is not a duration`);
  return Number(text.slice(0, -1)) * unit;
}

function unique<T extends z.ZodType<string>>(items: T) {
  return z
    .array(items)
    .min(1, "is empty: name at least one")
    .superRefine((list, context) => {
      for (const [index, item] of list.entries()) {
        if (list.indexOf(item) !== index)
          context.addIssue({ code: "custom", path: [index], message: "stands here twice" });
      }
    });
}

export const upstreamSchema = z.strictObject({
  url: z
    .string()
    .regex(
      /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
      "is not an http(s) URL of an archive (without a user, a query or a fragment)",
    )
    .transform((url) => url.replace(/\/*$/, "")),
  key: z.string().min(1).optional(),
  stallSeconds: z.int().min(1).max(3600).default(30),
  parallel: z.int().min(1).max(256).default(64),
});

export const filterSchema = z.strictObject({
  include: z.array(packagePattern).default([]),
  exclude: z.array(packagePattern).default([]),
  sections: z
    .array(z.string().regex(/^[a-z0-9/-]+$/, "is not a section's name, e.g. admin or net"))
    .default([]),
  withDependencies: z.boolean().default(true),
  withRecommends: z.boolean().default(true),
});

export const extrasSchema = z.strictObject({
  languages: z
    .array(
      z.string().regex(/^[a-z]{2,3}(_[A-Z]{2})?$/, "is not a language as apt names it, e.g. en or pt_BR"),
    )
    .default(["en"]),
  contents: z.boolean().default(false),
  sources: z.boolean().default(false),
  debugPackages: z.boolean().default(false),
  installer: z.boolean().default(false),
  commandNotFound: z.boolean().default(true),
  appstream: z.boolean().default(false),
  phasedUpdates: z.enum(["complete", "as-upstream"]).optional(),
});

export const serveSchema = z
  .strictObject({
    port: z.int().min(1, "is not a TCP port").max(65_535, "is not a TCP port").optional(),
    path: z
      .string()
      .regex(/^(\/[A-Za-z0-9][A-Za-z0-9._~-]*)*\/?$/, "is not a plain URL path such as /ubuntu")
      .transform((path) => path.replace(/\/$/, ""))
      .default("/ubuntu"),
    serverNames: z
      .array(
        z
          .string()
          .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i, "is not a host name"),
      )
      .default([]),
    address: z
      .string()
      .regex(/^[A-Za-z0-9._:[\]-]+$/, "is not a host name or an address")
      .optional(),
    tls: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).optional(),
  })
  .transform(({ port, ...rest }) => ({ port: port ?? (rest.tls ? 443 : 80), ...rest }));

export const aptMirrorSchema = z
  .strictObject({
    host: hostName,
    upstream: upstreamSchema,
    suites: unique(suite),
    components: unique(component).default(["main", "universe"]),
    architectures: unique(architecture).default(["amd64"]),
    mode: z.enum(["resigned", "verbatim"], 'is neither "resigned" nor "verbatim"').default("resigned"),
    filter: filterSchema.optional(),
    localPackages: z.array(z.string().min(1)).default([]),
    extras: extrasSchema.prefault({}),
    serve: serveSchema.prefault({}),
    keepSnapshots: z.int().min(1, "is less than 1: the published tree itself counts").max(100).default(3),
    validFor: duration.optional(),
    pinnedTo: z
      .string()
      .regex(/^[0-9]{6}-[0-9a-f]{12}$/, "is not a tree's name such as 000007-0f3c2a9be114")
      .optional(),
    directory: absolutePath.optional(),
    deleteContent: z.boolean().default(false),
  })
  .superRefine((mirror, context) => {
    const refuse = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    if (mirror.mode !== "verbatim") return;
    const reason = 'needs mode "resigned": a verbatim mirror passes on what upstream signed, all of it';
    if (mirror.filter) refuse(["filter"], reason);
    if (mirror.localPackages.length > 0) refuse(["localPackages"], reason);
    if (mirror.validFor)
      refuse(["validFor"], "needs mode \"resigned\": upstream's signature has upstream's validity");
    if (mirror.extras.phasedUpdates === "complete") refuse(["extras", "phasedUpdates"], reason);
  });

/** Checked arguments, with every default in place. */
export type AptMirrorSettings = z.output<typeof aptMirrorSchema>;
export type AptMirrorInput = z.input<typeof aptMirrorSchema>;

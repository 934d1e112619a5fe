import { z } from "zod";
import { isFlat, nestedSuites, suiteDirectory } from "../../content/apt/suite-place.ts";
import type { DeclaredValue } from "../../resources/kernel/declared.ts";
import {
  distinct,
  emptyList,
  keepingSchema,
  pinnedTo,
  publishingHost,
  serveSchema,
  unique,
} from "../serving/mirror-args.ts";
import { certificateShown, transferSchema, upstreamKeySchema } from "../serving/upstream-args.ts";

/* The arguments of AptMirror: programs and the stack file use the same schema. */

const namePart = "[A-Za-z0-9][A-Za-z0-9.+~_-]*";
const withSlashes = new RegExp(`^${namePart}(/${namePart})*$`);
const pathOfFlat = new RegExp(`^(\\./|/|(\\./)?(${namePart}/)+)$`);

const suite = z.string().superRefine((name, context) => {
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  if (!withSlashes.test(name) && !pathOfFlat.test(name)) {
    return refuse(
      "is not a suite's name: use e.g. noble, noble-updates/epoxy, or a flat repository's path, which ends in a slash (./)",
    );
  }
  if (name.split("/").includes("by-hash")) return refuse("has a part that is called by-hash");
  // pool/ exists once for all trees, but each tree has its own indices.
  if (isFlat(name) && /^pool(\/|$)/.test(suiteDirectory(name))) {
    refuse('lies below pool/: put that path into upstream.url, and name "./" here');
  }
});

const component = z
  .string()
  .regex(withSlashes, "is not a component's name: use e.g. main, universe, main/debug")
  .refine((name) => !name.split("/").includes("by-hash"), "has a part that is called by-hash");

const misnamedArchitectures = new Map([
  ["x86_64", "is called amd64 in Debian's terms"],
  ["aarch64", "is called arm64 in Debian's terms"],
  ["source", "is not an architecture here: set extras.sources"],
  ["all", "is always included: name the machines' architectures only"],
  ["any", "is always included: name the machines' architectures only"],
]);

const architecture = z.string().superRefine((name, context) => {
  const message =
    misnamedArchitectures.get(name) ?? "is not an architecture's name: use Debian's, e.g. amd64, arm64";
  if (misnamedArchitectures.has(name) || !/^[a-z0-9][a-z0-9-]*$/.test(name))
    context.addIssue({ code: "custom", message });
});

const packagePattern = z
  .string()
  .regex(
    /^[A-Za-z0-9_*?[][A-Za-z0-9_~+.*?[\]-]*$/,
    "is neither a package's name nor a pattern of one (* and ? are allowed)",
  );

/** A duration such as 30d, 12h, 45m or 2w. */
const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,4}(m|h|d|w)$/, "is not a duration: use e.g. 30d, 2w or 12h")
  .meta({ typeText: "duration" });

/** Seconds of a duration such as `30d`. */
export function secondsOf(text: string): number {
  const unit = { m: 60, h: 3600, d: 86_400, w: 604_800 }[text.slice(-1)];
  if (!unit) throw new TypeError(`${text} is not a duration`);
  return Number(text.slice(0, -1)) * unit;
}

const reason = z
  .string()
  .refine((text) => text.trim().length > 0, "is empty: give the reason, which each preview shows")
  .refine((text) => !/[\x00-\x1f\x7f]/.test(text), "must be one line")
  .optional();

/** Checks that may fail, each with the reason. */
const acceptSchema = z.strictObject({
  expired: reason.describe(
    "The reason to accept a Release file whose Valid-Until has passed. Snapshots and releases without support have such files.",
  ),
  missingDate: reason.describe(
    "The reason to accept a Release file without a date, or with an unreadable one. An upstream that goes back in time is then not detected.",
  ),
  weakSignature: reason.describe(
    "The reason to accept a signature with SHA-1, DSA or RSA of 1024 bits, by the declared key.",
  ),
  otherSuite: reason.describe("The reason to accept a Release file that states another suite's name."),
  older: reason.describe(
    "The reason to accept a Release file that is older than the one accepted last, for example after a change to an older snapshot.",
  ),
});

const upstreamSchema = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^https?:\/\/[^\s/?#@\\]+(\/[^\s?#@]*)?$/,
        "is not an http(s) URL of an archive: without a user and a password (declare upstream.credentials; an @ that belongs to the path is written %40), without a query or a fragment",
      )
      .refine((url) => URL.canParse(url), "is not a URL: credentials go into upstream.credentials")
      .transform((url) => url.replace(/\/*$/, ""))
      .meta({
        description:
          "Base URL of the archive, above dists/. The host reads it, and the workstation verifies the content.",
        typeText: "http or https URL",
        examples: ["http://archive.ubuntu.com/ubuntu"],
        see: "upstream-access.md",
      }),
    key: upstreamKeySchema("the Ubuntu archive's key (2018), F6ECB3762474EDA9D21B7022871920D1991BC93C"),
    indexLimitMiB: z
      .int()
      .min(1)
      .max(65_536)
      .default(1024)
      .describe(
        "Limit of the total size of the unpacked package indices, in MiB. It protects the memory of the workstation. Noble with its pockets has about 200 MiB for one architecture.",
      ),
    accept: acceptSchema.optional().meta({
      description: "Checks to skip, each with a reason in one line. Every preview shows the reasons.",
      see: "upstream-access.md#accepting-what-a-check-refuses",
    }),
    ...transferSchema(64),
  })
  .refine(...certificateShown);

const filterSchema = z.strictObject({
  include: z
    .array(packagePattern)
    .default([])
    .describe(
      "Names of packages, or patterns with *, ? and [...]. A pattern without a match in the suites is an error.",
    ),
  exclude: z
    .array(packagePattern)
    .default([])
    .describe("Names or patterns of packages that are never mirrored, not as a dependency either."),
  sections: z
    .array(z.string().regex(/^[a-z0-9/-]+$/, "is not a section's name, e.g. admin or net"))
    .default([])
    .describe(
      "Sections such as admin (universe/admin is the same). Their packages are added to those of include. A section without packages is an error.",
    ),
  withDependencies: z
    .boolean()
    .default(true)
    .describe(
      "Add the packages that the selected ones require (Depends, Pre-Depends). Of alternatives, the first one that the suites have is added.",
    ),
  withRecommends: z
    .boolean()
    .default(true)
    .describe("Add the packages that they recommend. apt installs these by default."),
});

const extrasSchema = z.strictObject({
  languages: z
    .array(
      z.string().regex(/^[a-z]{2,3}(_[A-Z]{2})?$/, "is not a language as apt names it, e.g. en or pt_BR"),
    )
    .default(["en"])
    .describe(
      "Languages of translated descriptions, with apt's names (en, pt_BR). They need some MiB for each suite and language.",
    ),
  contents: z
    .boolean()
    .default(false)
    .describe(
      "Contents indices for apt-file: which file is in which package. They need about 50 MiB for a suite of the size of a release.",
    ),
  sources: z
    .boolean()
    .default(false)
    .describe("Source packages. They need about the same space as the packages of one architecture."),
  debugPackages: z
    .boolean()
    .default(false)
    .describe(
      "Packages of debugging symbols in the suites (section debug, or a name in -dbg or -dbgsym). Packages in filter.include are mirrored in any case. With signing: upstream they are always mirrored.",
    ),
  installer: z
    .boolean()
    .default(false)
    .describe("Packages of the old Debian installer. MAAS does not use them."),
  commandNotFound: z
    .boolean()
    .default(true)
    .describe(
      "Data for command-not-found, which suggests a package for an unknown command: some MiB. Ubuntu servers request it in every apt update.",
    ),
  appstream: z
    .boolean()
    .default(false)
    .describe("Data for software centres of desktops. With the icons it needs tens of MiB."),
  phasedUpdates: z.enum(["complete", "as-upstream"]).optional().meta({
    description:
      "Updates that upstream offers to a percentage of machines only. complete: offer them to every machine (requires signing: mirror). as-upstream: keep the percentage of the time of the mirror's update.",
    defaultText: "complete with signing: mirror, as-upstream with signing: upstream",
    see: "apt-mirror.md#phased-updates",
  }),
});

export const aptMirrorSchema = z
  .strictObject({
    host: publishingHost,
    upstream: upstreamSchema.describe("The archive to mirror."),
    suites: unique(suite).meta({
      description:
        "Suites and their pockets, each by its path below dists/ (noble-updates/epoxy). A path that ends in a slash is a flat repository (requires signing: upstream).",
      examples: [["noble", "noble-updates", "noble-security"]],
      see: "apt-mirror.md#archives-of-other-shapes",
    }),
    // Empty is valid here, because checked arguments are checked again, and a flat repository then has an empty list.
    components: distinct(component).optional().meta({
      description: "Components, each by its directory in the suite: main, main/debug.",
      defaultText: "[main, universe]; none for a flat repository",
    }),
    architectures: unique(architecture)
      .default(["amd64"])
      .describe("Architectures, with Debian's names. Packages for all architectures are always included."),
    signing: z.enum(["mirror", "upstream"], 'is neither "mirror" nor "upstream"').default("mirror").meta({
      description:
        "Whose signature clients verify. mirror: reprepro makes the indices, and the mirror signs them with its own key; filters and local packages are possible. upstream: upstream's indices and signatures, unchanged, for clients that cannot get another key.",
      plain: "it decides which resources exist",
      see: "apt-mirror.md#who-signs",
    }),
    filter: filterSchema.optional().meta({
      description:
        "Packages to mirror (requires signing: mirror). Without include and sections, all packages are mirrored.",
      defaultText: "all packages",
      see: "apt-mirror.md#filter",
    }),
    localPackages: z.array(z.string().min(1)).default([]).meta({
      description:
        "Paths of .deb files on the workstation, relative to the project. They are merged into the first component of the first suite (requires signing: mirror).",
      see: "apt-mirror.md#local-packages",
    }),
    extras: extrasSchema.prefault({}).describe("Content besides packages and their indices."),
    serve: serveSchema("/ubuntu").prefault({}).describe("How clients reach the mirror."),
    keepSnapshots: z
      .int()
      .min(1, "is less than 1: the published snapshot itself counts")
      .max(100)
      .default(3)
      .describe(
        "Number of published snapshots to keep, with the current one. Clients in the middle of an update use older ones, and a rollback needs them. Each needs space for its indices and for the packages that only it has.",
      ),
    validFor: duration.optional().meta({
      description:
        "How long clients accept the mirror's signature (requires signing: mirror). An update in the last third of this time renews it.",
      defaultText: "without limit",
      examples: ["30d", "2w", "12h"],
    }),
    pinnedTo,
    ...keepingSchema("apt", "its packages and its signing key"),
  })
  .superRefine((mirror, context) => {
    const refuse = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const { suites, components, signing } = mirror;
    if (suites.some(isFlat)) {
      if (!suites.every(isFlat)) {
        refuse(["suites"], "has flat repositories beside suites with components: declare two mirrors");
      } else if (components && components.length > 0) {
        refuse(
          ["components"],
          "must not be given: a flat repository (a suite that ends in a slash) has none",
        );
      }
      if (signing === "mirror") {
        refuse(
          ["signing"],
          'must be "upstream" for a flat repository: reprepro makes archives with components only, and clients would have to ask for another suite',
        );
      }
    }
    if (components?.length === 0 && !suites.every(isFlat)) refuse(["components"], emptyList);
    const nested = signing === "mirror" ? nestedSuites(suites) : undefined;
    if (nested) {
      refuse(
        ["suites"],
        `has ${nested[1]} in the directory of ${nested[0]}, where reprepro would take it for a part of that: declare two mirrors, or set signing: upstream`,
      );
    }
    for (const [index, name] of suites.entries()) {
      const first = suites.find((other) => suiteDirectory(other) === suiteDirectory(name));
      if (first !== name) refuse(["suites", index], `is the same place as ${first}`);
    }
    if (signing !== "upstream") return;
    const reason =
      'needs signing "mirror": with upstream\'s signature a mirror serves all that upstream signed, unchanged';
    if (mirror.filter) refuse(["filter"], reason);
    if (mirror.localPackages.length > 0) refuse(["localPackages"], reason);
    if (mirror.validFor)
      refuse(["validFor"], "needs signing \"mirror\": upstream's signature has upstream's validity");
    if (mirror.extras.phasedUpdates === "complete") refuse(["extras", "phasedUpdates"], reason);
  })
  .transform((mirror) => {
    // The order of these lists has no meaning. They are sorted, so that another order is not a change of the mirror.
    const { suites, architectures, filter, localPackages, extras } = mirror;
    const components = mirror.components ?? (suites.some(isFlat) ? [] : ["main", "universe"]);
    const local = localPackages.length > 0;
    return {
      ...mirror,
      suites: local ? firstThenSorted(suites) : sorted(suites),
      components: local ? firstThenSorted(components) : sorted(components),
      architectures: sorted(architectures),
      localPackages: sorted(localPackages),
      extras: { ...extras, languages: sorted(extras.languages) },
      ...(filter
        ? {
            filter: {
              ...filter,
              include: sorted(filter.include),
              exclude: sorted(filter.exclude),
              sections: sorted(filter.sections),
            },
          }
        : {}),
    };
  });

function sorted(list: readonly string[]): string[] {
  return [...list].sort();
}

/** Local packages go into the first suite and the first component, so the first entry must stay first. */
function firstThenSorted([first, ...others]: readonly string[]): string[] {
  return first === undefined ? [] : [first, ...sorted(others)];
}

/** Checked arguments, with all defaults. */
export type AptMirrorSettings = z.output<typeof aptMirrorSchema>;

/** The declared content of a mirror. */
export type Holdings = Readonly<Pick<AptMirrorSettings, "suites" | "components" | "architectures">>;

export type AptMirrorArgs = DeclaredValue<z.input<typeof aptMirrorSchema>>;

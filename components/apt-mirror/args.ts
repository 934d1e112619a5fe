import { z } from "zod";
import { isFlat, nestedSuites, suiteDirectory } from "../../content/apt/suite-place.ts";
import {
  distinct,
  emptyList,
  hostName,
  mirrorDirectory,
  mirrorName,
  type ServeArgs,
  serveSchema,
  snapshotName,
  unique,
} from "../serving/mirror-args.ts";
import {
  acceptSchema,
  certificateShown,
  transferSchema,
  type UpstreamAccessArgs,
} from "../serving/upstream-args.ts";

/*
 * The arguments of AptMirror: what a user may write, its defaults, and what is wrong with it in the user's
 * words. The stack's configuration uses the same schema, so an error there names the value's path in the YAML.
 */

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
  // What is below pool/ is there once for all trees, and indices change.
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

/** Durations as people write them: 30d, 12h, 45m, 2w. */
const duration = z.string().regex(/^[1-9][0-9]{0,4}(m|h|d|w)$/, "is not a duration: use e.g. 30d, 2w or 12h");

/** Seconds of a duration such as `30d`. */
export function secondsOf(text: string): number {
  const unit = { m: 60, h: 3600, d: 86_400, w: 604_800 }[text.slice(-1)];
  if (!unit) throw new TypeError(`${text} is not a duration`);
  return Number(text.slice(0, -1)) * unit;
}

export const upstreamSchema = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^https?:\/\/[^\s/?#@\\]+(\/[^\s?#@]*)?$/,
        "is not an http(s) URL of an archive: without a user and a password (declare upstream.credentials; an @ that belongs to the path is written %40), without a query or a fragment",
      )
      .refine((url) => URL.canParse(url), "is not a URL: credentials go into upstream.credentials")
      .transform((url) => url.replace(/\/*$/, "")),
    key: z.string().min(1).optional(),
    indexLimitMiB: z.int().min(1).max(65_536).default(1024),
    accept: acceptSchema("expired", "missingDate", "weakSignature", "otherSuite", "older").optional(),
    ...transferSchema(64),
  })
  .refine(...certificateShown);

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

export const aptMirrorSchema = z
  .strictObject({
    host: hostName,
    upstream: upstreamSchema,
    suites: unique(suite),
    // What was read once, with its defaults, is read again where it is used: a flat repository's has become an empty list.
    components: distinct(component).optional(),
    architectures: unique(architecture).default(["amd64"]),
    signing: z.enum(["mirror", "upstream"], 'is neither "mirror" nor "upstream"').default("mirror"),
    filter: filterSchema.optional(),
    localPackages: z.array(z.string().min(1)).default([]),
    extras: extrasSchema.prefault({}),
    serve: serveSchema("/ubuntu").prefault({}),
    keepSnapshots: z.int().min(1, "is less than 1: the published snapshot itself counts").max(100).default(3),
    validFor: duration.optional(),
    pinnedTo: snapshotName.optional(),
    directory: mirrorDirectory.optional(),
    nameOnHost: mirrorName.optional(),
    deleteContent: z.boolean().default(false),
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
      'needs signing "mirror": with upstream\'s signature a mirror serves all that upstream signed, as it is';
    if (mirror.filter) refuse(["filter"], reason);
    if (mirror.localPackages.length > 0) refuse(["localPackages"], reason);
    if (mirror.validFor)
      refuse(["validFor"], "needs signing \"mirror\": upstream's signature has upstream's validity");
    if (mirror.extras.phasedUpdates === "complete") refuse(["extras", "phasedUpdates"], reason);
  })
  .transform((mirror) => {
    // Lists whose order means nothing get one: written in another, they are the same mirror.
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

/** The first suite and the first component are where local packages go. */
function firstThenSorted([first, ...others]: readonly string[]): string[] {
  return first === undefined ? [] : [first, ...sorted(others)];
}

/** Checked arguments, with every default in place. */
export type AptMirrorSettings = z.output<typeof aptMirrorSchema>;

/** Why what is refused otherwise is taken. */
export interface AcceptedArgs {
  /** A Release whose `Valid-Until` has passed, as those of snapshots and of releases out of support. */
  readonly expired?: string | undefined;
  /** A Release without a date, or with one that cannot be read: nothing then shows that upstream went back. */
  readonly missingDate?: string | undefined;
  /** A signature that rests on SHA-1, on DSA or on RSA with 1024 bits. */
  readonly weakSignature?: string | undefined;
  /** A Release that calls itself by another suite's name. */
  readonly otherSuite?: string | undefined;
  /** A Release that is older than the one that was accepted last, as after a change to an older snapshot. */
  readonly older?: string | undefined;
}

export interface AptMirrorArgs {
  /** The mirror's host, as one would type it after `ssh`; how to get in is OpenSSH's configuration. */
  readonly host: string;
  /** The archive to mirror. It is read from the host, and verified on this workstation. */
  readonly upstream: UpstreamAccessArgs & {
    /** Base URL, the one above `dists/`, e.g. `http://archive.ubuntu.com/ubuntu`. */
    readonly url: string;
    /**
     * Who must have signed it: the full fingerprint of a primary key (looked up among the built-in Ubuntu keys and
     * the workstation's keyrings), an armored public key, or the path of a keyring file, relative to the project.
     * @default the Ubuntu archive's key, F6ECB3762474EDA9D21B7022871920D1991BC93C
     */
    readonly key?: string | undefined;
    /**
     * MiB that the package indices may come to in all, unpacked: somebody who can sign could name a small file that unpacks
     * to more than this workstation has. @default 1024
     */
    readonly indexLimitMiB?: number | undefined;
    /**
     * What is refused without it, each with the reason why it is taken: every preview shows both.
     * @default nothing
     * @example { expired: "snapshot of 2026-11-01" }
     */
    readonly accept?: AcceptedArgs | undefined;
    /** Seconds without a byte after which a transfer is given up. @default 30 */
    readonly stallSeconds?: number | undefined;
    /** Transfers at once. @default 64 */
    readonly parallel?: number | undefined;
  };
  /**
   * Suites, pockets included, e.g. `["noble", "noble-updates", "noble-security"]`, each by its path below `dists/`
   * (`noble-updates/epoxy`). One that ends in a slash is the path of a flat repository: `./` is the URL itself (only with `signing: "upstream"`).
   */
  readonly suites: string[];
  /** By their directories. A flat repository has none. @default ["main", "universe"] */
  readonly components?: string[] | undefined;
  /** Debian's names; packages for all architectures are always included. @default ["amd64"] */
  readonly architectures?: string[] | undefined;
  /**
   * Who signs what clients get. `mirror`: indices made by reprepro and signed with a key of the mirror's own; can be filtered
   * and have local packages. `upstream`: upstream's bytes and signature, for clients that must not be told of another key.
   * @default "mirror"
   */
  readonly signing?: "mirror" | "upstream" | undefined;
  /** Which packages to take (only with `signing: "mirror"`). @default all */
  readonly filter?:
    | {
        /** Names, or patterns with `*`, `?` and `[...]`. */
        readonly include?: string[] | undefined;
        /** Names or patterns never to take, not as a dependency either. */
        readonly exclude?: string[] | undefined;
        /** Sections, e.g. `admin`. */
        readonly sections?: string[] | undefined;
        /** Take what the chosen ones depend on. @default true */
        readonly withDependencies?: boolean | undefined;
        /** Take what they recommend, which apt installs unless told otherwise. @default true */
        readonly withRecommends?: boolean | undefined;
      }
    | undefined;
  /** .deb files on this workstation, merged into the first suite and component (only with `signing: "mirror"`). @default [] */
  readonly localPackages?: string[] | undefined;
  /** What to mirror besides packages and their indices. */
  readonly extras?:
    | {
        /** Translated descriptions by language, as apt names them. @default ["en"] */
        readonly languages?: string[] | undefined;
        /** Which file is in which package, for apt-file: about 50 MiB a suite of release size. @default false */
        readonly contents?: boolean | undefined;
        /** Source packages: about as large again as the packages of one architecture. @default false */
        readonly sources?: boolean | undefined;
        /**
         * Packages of debugging symbols, where the suite has them. With `signing: "upstream"` a mirror has all that is listed.
         * @default false
         */
        readonly debugPackages?: boolean | undefined;
        /** Packages of the old installer; MAAS does not use them. @default false */
        readonly installer?: boolean | undefined;
        /** What suggests a package for an unknown command; a stock Ubuntu server asks for it. @default true */
        readonly commandNotFound?: boolean | undefined;
        /** Data of desktop software centres. @default false */
        readonly appstream?: boolean | undefined;
        /**
         * Updates that upstream gives to a percentage of machines only: a mirror would freeze the percentage. `complete` offers
         * them to every machine (only with `signing: "mirror"`).
         * @default "complete" with `signing: "mirror"`, "as-upstream" with `signing: "upstream"`
         */
        readonly phasedUpdates?: "complete" | "as-upstream" | undefined;
      }
    | undefined;
  /** How clients reach it. */
  readonly serve?:
    | (ServeArgs & {
        /** @default "/ubuntu" */
        readonly path?: string | undefined;
      })
    | undefined;
  /** How many published snapshots to keep, the current one included. Clients in the middle of an update use them. @default 3 */
  readonly keepSnapshots?: number | undefined;
  /**
   * How long clients accept the mirror's signature, e.g. `30d`, `2w`, `12h` (only with `signing: "mirror"`). An update
   * renews it in its last third. @default for ever
   */
  readonly validFor?: string | undefined;
  /** Serve this kept snapshot again, e.g. `000007-0f3c2a9be114`, and leave upstream alone. @default follow upstream */
  readonly pinnedTo?: string | undefined;
  /** Where the mirror is kept on the host. @default /srv/airgapped-maas/STACK/apt/NAME */
  readonly directory?: string | undefined;
  /**
   * What the host knows the mirror by, in paths and in its key. To rename a mirror, give the old name here (and as an
   * alias, which the stack's configuration takes from here): all stays as it is. @default the mirror's name
   */
  readonly nameOnHost?: string | undefined;
  /** Whether deleting the mirror deletes its packages and its signing key. @default false: they stay, and it says where */
  readonly deleteContent?: boolean | undefined;
}

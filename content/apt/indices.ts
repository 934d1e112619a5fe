import { ExplainedError } from "../../errors/explained-error.ts";
import { type Release, type ReleaseEntry, words } from "./release.ts";
import { flatComponent, inSuite, isFlat } from "./suite-place.ts";

/** What a mirror has beyond packages and their indices. Sizes that are not given are unknown. */
export interface Extras {
  /** Translations of descriptions, e.g. `en`, `pt_BR`; apt asks for `en` by default. @default ["en"] */
  readonly languages?: readonly string[];
  /** Which file is in which package, for apt-file. @default false */
  readonly contents?: boolean;
  /** Source packages: about as large again as one architecture's packages [estimate]. @default false */
  readonly sources?: boolean;
  /** Packages of debugging symbols. A mirror with upstream's signature has all that is listed. @default false */
  readonly debugPackages?: boolean;
  /** Packages of the old installer (udebs); a MAAS site has no use for them. @default false */
  readonly installer?: boolean;
  /**
   * What suggests a package for an unknown command: a stock Ubuntu client asks for it, and fails its
   * update when a Release lists it and a mirror lacks it. @default true
   */
  readonly commandNotFound?: boolean;
  /** Data of desktop software centres; servers do not ask for it. @default false */
  readonly appstream?: boolean;
  /** `complete` offers phased updates to every machine; only where the mirror signs. */
  readonly phasedUpdates?: "complete" | "as-upstream" | undefined;
}

export type IndexKind = "packages" | "installer" | "sources" | "other";

/** An index in all the forms in which a Release lists it. */
export interface SelectedIndex {
  readonly kind: IndexKind;
  /** Uncompressed, below the suite's directory. */
  readonly path: string;
  readonly component: string;
  readonly architecture: string;
  readonly entries: readonly ReleaseEntry[];
}

const forms = ["", ".gz", ".xz", ".bz2", ".zst"];

interface Selection {
  readonly indices: readonly SelectedIndex[];
  /** Indices that one may expect and that are in no form listed: others of their component or architecture are. */
  readonly unlisted: readonly string[];
}

interface Wanted {
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly extras?: Extras;
}

/**
 * The indices that a mirror of these components and architectures has.
 *
 * @throws ExplainedError where a component or an architecture has none at all
 */
export function selectIndices(release: Release, suite: string, wanted: Wanted): Selection {
  return isFlat(suite) ? selectFlat(release, suite, wanted) : selectByComponent(release, suite, wanted);
}

function finder(release: Release, found: SelectedIndex[]) {
  return (kind: IndexKind, component: string, architecture: string, path: string): boolean => {
    const entries = forms.flatMap((form) => release.entries.get(path + form) ?? []);
    if (entries.length > 0) found.push({ kind, path, component, architecture, entries });
    return entries.length > 0;
  };
}

function refuseLacking(suite: string, paths: readonly string[], values: readonly string[]): never {
  throw new ExplainedError({
    step: `reading the index of ${suite}`,
    found: `it lists no ${paths.join(", no ")} in any form`,
    remedy: "Choose components and architectures that upstream has, or another mirror of it.",
    values,
  });
}

/** What a flat repository has: one index of all packages, and what apt asks for beside it. */
function selectFlat(release: Release, suite: string, { architectures, extras = {} }: Wanted): Selection {
  const indices: SelectedIndex[] = [];
  const add = finder(release, indices);
  if (!add("packages", flatComponent, "any", "Packages")) refuseLacking(suite, ["Packages"], ["suites"]);
  for (const language of extras.languages ?? ["en"]) add("other", flatComponent, "all", language);
  if (extras.contents) {
    for (const architecture of architectures)
      add("other", flatComponent, architecture, `Contents-${architecture}`);
  }
  if (extras.sources && !add("sources", flatComponent, "source", "Sources")) {
    refuseLacking(suite, ["Sources"], ["extras.sources"]);
  }
  return { indices, unlisted: [] };
}

function selectByComponent(
  release: Release,
  suite: string,
  { components, architectures, extras = {} }: Wanted,
): Selection {
  const found: SelectedIndex[] = [];
  const add = finder(release, found);
  const separateAll =
    release.architectures.includes("all") &&
    !words(release.header["No-Support-for-Architecture-all"]).includes("Packages");
  // An archive that has nothing but packages for all architectures has them in that one index.
  const onlyAll = separateAll && release.architectures.every((name) => name === "all" || name === "source");
  const unlisted: { component: string; architecture: string; path: string }[] = [];
  const having = { components: new Set<string>(), architectures: new Set<string>() };
  for (const component of components) {
    for (const architecture of separateAll ? [...architectures, "all"] : architectures) {
      const path = `${component}/binary-${architecture}/Packages`;
      if (add("packages", component, architecture, path)) {
        having.components.add(component);
        having.architectures.add(architecture);
      } else if (architecture !== "all" && !onlyAll) unlisted.push({ component, architecture, path });
      if (extras.installer) {
        add(
          "installer",
          component,
          architecture,
          `${component}/debian-installer/binary-${architecture}/Packages`,
        );
      }
      if (extras.contents) {
        add("other", component, architecture, `${component}/Contents-${architecture}`);
      }
      if (extras.commandNotFound ?? true) {
        add("other", component, architecture, `${component}/cnf/Commands-${architecture}`);
      }
      if (extras.appstream) {
        add("other", component, architecture, `${component}/dep11/Components-${architecture}.yml`);
      }
    }
    for (const language of extras.languages ?? ["en"]) {
      add("other", component, "all", `${component}/i18n/Translation-${language}`);
    }
    if (extras.appstream) {
      for (const size of ["48x48", "48x48@2", "64x64", "64x64@2", "128x128", "128x128@2"]) {
        add("other", component, "all", `${component}/dep11/icons-${size}.tar`);
      }
    }
    if (extras.sources) {
      const path = `${component}/source/Sources`;
      if (!add("sources", component, "source", path)) refuseLacking(suite, [path], ["extras.sources"]);
    }
  }
  const without = unlisted.filter(
    ({ component, architecture }) =>
      !having.components.has(component) || !having.architectures.has(architecture),
  );
  if (without.length > 0) {
    refuseLacking(
      suite,
      without.map(({ path }) => path),
      ["components", "architectures"],
    );
  }
  // Ubuntu keeps one such file for all components of a suite.
  if (extras.contents) {
    for (const architecture of architectures) add("other", "", architecture, `Contents-${architecture}`);
  }
  return { indices: found, unlisted: unlisted.map(({ path }) => inSuite(suite, path)) };
}

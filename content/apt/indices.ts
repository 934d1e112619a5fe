import { ExplainedError } from "../../errors/explained-error.ts";
import { type Release, type ReleaseEntry, words } from "./release.ts";
import { flatComponent, inSuite, isFlat } from "./suite-place.ts";

/** What a mirror contains in addition to packages and their indices. Sizes that are not given are unknown. */
export interface Extras {
  /** Translations of descriptions, e.g. `en`, `pt_BR`; apt asks for `en` by default. @default ["en"] */
  readonly languages?: readonly string[];
  /** Lists of files in packages, for apt-file. @default false */
  readonly contents?: boolean;
  /** Source packages: about as large as one architecture's packages [estimate]. @default false */
  readonly sources?: boolean;
  /** Packages of debugging symbols. A mirror with upstream's signature contains all that are listed. @default false */
  readonly debugPackages?: boolean;
  /** Packages of the old installer (udebs), which MAAS does not use. @default false */
  readonly installer?: boolean;
  /**
   * Data that suggests a package for an unknown command. A standard Ubuntu client requests it, and its update fails
   * when a Release lists it and a mirror lacks it. @default true
   */
  readonly commandNotFound?: boolean;
  /** Data of desktop software centres; servers do not request it. @default false */
  readonly appstream?: boolean;
  /** `complete` offers phased updates to every machine; only for a mirror with its own signature. */
  readonly phasedUpdates?: "complete" | "as-upstream" | undefined;
}

export type IndexKind = "packages" | "installer" | "sources" | "other";

/** An index in all forms that a Release lists. */
export interface SelectedIndex {
  readonly kind: IndexKind;
  /** Path of the uncompressed form, below the suite's directory. */
  readonly path: string;
  readonly component: string;
  readonly architecture: string;
  readonly entries: readonly ReleaseEntry[];
}

const forms = ["", ".gz", ".xz", ".bz2", ".zst"];

interface Selection {
  readonly indices: readonly SelectedIndex[];
  /** Expected indices that are listed in no form, although others of their component or architecture are. */
  readonly unlisted: readonly string[];
}

interface Wanted {
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly extras?: Extras;
}

/**
 * The indices of a mirror of these components and architectures.
 *
 * @throws ExplainedError if a component or an architecture has no index.
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
    found: `it lists ${paths.join(", ")} in no form`,
    remedy: "Choose components and architectures that upstream has, or another mirror of it.",
    values,
  });
}

/** The indices of a flat repository: one for all packages, and the other files that apt requests. */
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
  // An archive with only packages for all architectures has them in this one index.
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
  // Ubuntu has one such file for all components of a suite.
  if (extras.contents) {
    for (const architecture of architectures) add("other", "", architecture, `Contents-${architecture}`);
  }
  return { indices: found, unlisted: unlisted.map(({ path }) => inSuite(suite, path)) };
}

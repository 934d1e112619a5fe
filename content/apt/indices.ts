import { ExplainedError } from "../../errors/explained-error.ts";
import type { Release, ReleaseEntry } from "./release.ts";

/** What a mirror has beyond packages and their indices. Sizes that are not given are unknown. */
export interface Extras {
  /** Translations of descriptions, e.g. `en`, `pt_BR`; apt asks for `en` by default. @default ["en"] */
  readonly languages?: readonly string[];
  /** Which file is in which package, for apt-file. @default false */
  readonly contents?: boolean;
  /** Source packages: about as large again as one architecture's packages [estimate]. @default false */
  readonly sources?: boolean;
  /** Packages of debugging symbols (resigned mirrors only; a verbatim one has all that is listed). @default false */
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
  /** `complete` offers phased updates to every machine (resigned mirrors only). @default "as-upstream" when verbatim */
  readonly phasedUpdates?: "complete" | "as-upstream" | undefined;
}

export type IndexKind = "packages" | "installer" | "sources" | "other";

/** An index in all the forms in which a Release lists it. */
export interface SelectedIndex {
  readonly kind: IndexKind;
  /** Uncompressed, below `dists/SUITE/`. */
  readonly path: string;
  readonly component: string;
  readonly architecture: string;
  readonly entries: readonly ReleaseEntry[];
}

const forms = ["", ".gz", ".xz", ".bz2", ".zst"];

/** The indices that a mirror of these components and architectures has. */
export function selectIndices(
  release: Release,
  suite: string,
  {
    components,
    architectures,
    extras = {},
  }: {
    readonly components: readonly string[];
    readonly architectures: readonly string[];
    readonly extras?: Extras;
  },
): SelectedIndex[] {
  const found: SelectedIndex[] = [];
  const add = (kind: IndexKind, component: string, architecture: string, path: string): boolean => {
    const entries = forms.flatMap((form) => release.entries.get(path + form) ?? []);
    if (entries.length > 0) found.push({ kind, path, component, architecture, entries });
    return entries.length > 0;
  };
  const require = (path: string) => {
    throw new ExplainedError({
      step: `reading dists/${suite}/InRelease`,
      found: `it lists no ${path} in any form`,
      remedy: "Choose components and architectures that upstream has, or another mirror of it.",
    });
  };
  const separateAll =
    release.architectures.includes("all") && release.header["No-Support-for-Architecture-all"] !== "Packages";
  for (const component of components) {
    for (const architecture of separateAll ? [...architectures, "all"] : architectures) {
      const path = `${component}/binary-${architecture}/Packages`;
      if (!add("packages", component, architecture, path) && architecture !== "all") require(path);
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
      if (!add("sources", component, "source", path)) require(path);
    }
  }
  // Ubuntu keeps one such file for all components of a suite.
  if (extras.contents) {
    for (const architecture of architectures) add("other", "", architecture, `Contents-${architecture}`);
  }
  return found;
}

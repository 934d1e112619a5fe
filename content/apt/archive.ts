import { type TrustedKeys, trustedKeys } from "../openpgp/keyring.ts";
import type { ArchiveRequest } from "./archive-request.ts";
import { IndexBudget } from "./index-budget.ts";
import { readIndex } from "./index-forms.ts";
import { type Extras, type IndexKind, selectIndices } from "./indices.ts";
import type { MetadataFile, RootFile } from "./metadata-file.ts";
import {
  type IndexedPackage,
  type RejectedStanza,
  readPackages,
  readSources,
  type SourceFile,
} from "./packages.ts";
import { byHashPath, presentOf } from "./presence.ts";
import { checkRelease, parseRelease, type Release, type ReleaseEntry } from "./release.ts";
import { readRoot } from "./signed-root.ts";
import { inSuite } from "./suite-place.ts";

/** The signed root of a suite. */
export interface ArchiveRoot {
  readonly name: string;
  readonly release: Release;
  /** Full fingerprint of the signing key. */
  readonly signedBy: string;
  /** InRelease, Release, Release.gpg: those that exist upstream, with their bytes. */
  readonly roots: readonly RootFile[];
  /** Failed checks that were accepted, with the reasons. */
  readonly accepted: readonly string[];
}

export interface ArchiveSuite extends ArchiveRoot {
  /** Every other file of the suite, by-hash paths included. */
  readonly files: readonly MetadataFile[];
  /** Its packages, by index. */
  readonly indices: readonly PackageIndex[];
  /**
   * Paths of selected indices without packages that are listed but do not exist upstream in any form; below the
   * archive's root.
   */
  readonly lacking: readonly string[];
  /**
   * Paths of indices that are not listed, although others of their component and architecture are; below the archive's
   * root.
   */
  readonly unlisted: readonly string[];
  /** Whether by-hash paths are announced but some do not exist upstream. */
  readonly lacksByHash: boolean;
}

interface PackageIndex {
  readonly component: string;
  /** Architecture of the index; its packages may also be of architecture `all`. `source` for sources. */
  readonly architecture: string;
  readonly kind: "packages" | "installer" | "sources";
  /** Path of the uncompressed index, whether it exists or not, below the archive's root. */
  readonly path: string;
  readonly packages: readonly IndexedPackage[];
  readonly sources: readonly SourceFile[];
  /** Its stanzas that are ambiguous or invalid. */
  readonly odd: readonly RejectedStanza[];
}

export interface Archive {
  readonly suites: readonly ArchiveSuite[];
  readonly architectures: readonly string[];
  readonly extras: Extras;
  readonly keys: TrustedKeys;
}

/**
 * Reads suites of an archive, verified from the signature down: the signed root of each suite, and by its digests the
 * indices. Content in the cache is not fetched again.
 */
export async function readArchive(request: ArchiveRequest): Promise<Archive> {
  const keys = await keysOf(request);
  const budget = new IndexBudget(request.indexLimit);
  const suites = await Promise.all(request.suites.map((suite) => readSuite(request, keys, suite, budget)));
  return { suites, architectures: request.architectures, extras: request.extras ?? {}, keys };
}

/** Only the signed root of each suite: enough to find out whether anything has changed. */
export async function readReleases(request: ArchiveRequest): Promise<ArchiveRoot[]> {
  const keys = await keysOf(request);
  return Promise.all(request.suites.map((suite) => readRelease(request, keys, suite)));
}

async function keysOf({ key }: ArchiveRequest): Promise<TrustedKeys> {
  return typeof key === "object" && "keys" in key ? (key as TrustedKeys) : trustedKeys(key);
}

async function readRelease(request: ArchiveRequest, keys: TrustedKeys, suite: string): Promise<ArchiveRoot> {
  const { verified, roots } = await readRoot(request, keys, suite);
  const name = roots[0]?.path ?? inSuite(suite, "InRelease");
  const release = parseRelease(verified.text, name);
  const seen = request.seen && Object.hasOwn(request.seen, suite) ? request.seen[suite]?.date : undefined;
  const accepted = [
    ...(verified.weak ? [`accepted: ${name}: ${verified.weak} (${request.accept?.weakSignature})`] : []),
    ...checkRelease(release, name, { ...request, suite, seen }),
  ];
  return { name: suite, release, signedBy: verified.signedBy, roots, accepted };
}

async function readSuite(
  request: ArchiveRequest,
  keys: TrustedKeys,
  suite: string,
  budget: IndexBudget,
): Promise<ArchiveSuite> {
  const root = await readRelease(request, keys, suite);
  const { release } = root;
  const { indices: selected, unlisted } = selectIndices(release, suite, request);
  const listed = selected.flatMap(({ entries }) => entries);
  const present = await presentOf(request, release, suite, selected);
  const filesOf = (entry: ReleaseEntry): MetadataFile[] => {
    const { size, sha256 } = entry;
    const path = inSuite(suite, entry.path);
    if (!release.byHash) return [{ path, size, sha256, from: path }];
    const hashed = byHashPath(suite, entry);
    const from = present.has(hashed) ? hashed : path;
    return [path, hashed].map((name) => ({ path: name, size, sha256, from }));
  };
  const indices = await Promise.all(
    selected.map(async ({ kind, path, component, architecture, entries }) => {
      if (kind === "other") return [];
      const forms = entries.filter((entry) => present.has(entry.path));
      const pieces = await readIndex(
        request,
        release,
        { suite, path, architecture, present },
        forms.length > 0 ? forms : entries,
        budget,
      );
      const full = inSuite(suite, path);
      const read =
        kind === "sources"
          ? { packages: [], ...(await readSources(pieces, full, budget)) }
          : { sources: [], ...(await readPackages(pieces, full, budget, request.withRelations)) };
      return [
        {
          component,
          architecture,
          kind: kind as Exclude<IndexKind, "other">,
          path: full,
          ...read,
        },
      ];
    }),
  );
  return {
    ...root,
    files: listed.filter((entry) => present.has(entry.path)).flatMap(filesOf),
    indices: indices.flat(),
    lacking: selected
      .filter(({ entries }) => !entries.some((entry) => present.has(entry.path)))
      .map(({ path }) => inSuite(suite, path)),
    unlisted,
    lacksByHash:
      release.byHash &&
      listed.some((entry) => present.has(entry.path) && !present.has(byHashPath(suite, entry))),
  };
}

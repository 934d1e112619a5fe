import { readFile } from "node:fs/promises";
import v8 from "node:v8";
import { type Archive, readArchive, readReleases } from "../../../content/apt/archive.ts";
import { differingLines } from "../../../content/apt/differing-lines.ts";
import { selects } from "../../../content/apt/filter.ts";
import { refuseForeignPackages } from "../../../content/apt/foreign-packages.ts";
import { refusedLocal } from "../../../content/apt/local-merge.ts";
import { readLocalPackage } from "../../../content/apt/local-package.ts";
import { type MirrorSignedPlan, planMirrorSigned } from "../../../content/apt/mirror-signed-plan.ts";
import {
  type Plan,
  parsePlanText,
  planText,
  planUpstreamSigned,
  type WrittenPlan,
} from "../../../content/apt/plan.ts";
import { changeText, comparePlans } from "../../../content/apt/plan-comparison.ts";
import { collectGarbage } from "../../../content/collect.ts";
import { defaultCache, expiringKey } from "../../../content/metadata-cache.ts";
import { type TrustedKeys, trustedKeys } from "../../../content/openpgp/keyring.ts";
import { attributedTo } from "../../../errors/attributed-to.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { hostNamed } from "../../../hosts/connections.ts";
import type { Host } from "../../../hosts/host.ts";
import { keyProbe } from "../../host/signing-key/key-probe.ts";
import { requireDiskSpace } from "../published-tree/disk-space.ts";
import { planTexts, publishedWorkList } from "../published-tree/plan-texts.ts";
import { isComplete } from "../published-tree/publication.ts";
import { keptPlan, publishedFindings, summariesOf } from "../published-tree/published.ts";
import { existsThrough, fetchThrough, keyArgument } from "../published-tree/upstream.ts";
import { accessWarnings } from "../published-tree/upstream-access.ts";
import { workListLines } from "../published-tree/work-list.ts";
import { changesForClients, type Held, type Identity, identityIn } from "./identity.ts";
import { checkedKeptPlan, type KeptSummary, keptSummary } from "./kept-snapshot.ts";
import type { AptPlanRequest } from "./plan-request.ts";
import type { AptPublication, SuiteSummary } from "./publication.ts";
import { acceptedWarnings, warningsOf } from "./warnings.ts";
import { type LocalFile, mirrorSignedWork, type Text, upstreamSignedWork } from "./work.ts";

/** The planned content of a mirror, from upstream's signed files. */
export interface AptMirrorPlan {
  /** Digest of the publication, which is stored in this workstation's metadata cache. */
  readonly digest: string;
  readonly suites: Readonly<Record<string, SuiteSummary>>;
  /** Number of different package files. */
  readonly packages: number;
  /** Bytes of all files. */
  readonly bytes: number;
  /** The head of each suite's Release file. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Full fingerprints of the keys that signed upstream's suites. */
  readonly upstreamFingerprints: readonly string[];
  /** Armored keys that upstream signs with. */
  readonly upstreamKey: string;
  /** Warnings for the user. */
  readonly warnings: readonly string[];
  /** One text per suite with the changes of the published snapshot; see `changeText`. */
  readonly changes: readonly string[];
}

type Found = Omit<AptMirrorPlan, "digest" | "changes">;

/** Increased whenever the same archive and request give another publication than before. */
const planVersion = 4;

/**
 * Plans a mirror from the current state of upstream and its host. Upstream is read through the host, so from the
 * host's network, and verified here. Parts that have not changed since the last time are not read again.
 *
 * @throws ExplainedError for errors in upstream's files, before anything is changed.
 */
export async function planAptMirror(
  request: AptPlanRequest,
  host: Host = hostNamed(request.host),
): Promise<AptMirrorPlan> {
  const cache = defaultCache();
  if (request.pinnedTo) {
    const [keys, { found, digest }] = await Promise.all([
      attributedTo("upstream.key", trustedKeys(keyArgument(request.upstream.key))),
      attributedTo("pinnedTo", keptPlan<unknown>(host, request.directory, request.pinnedTo)),
    ]);
    const tree = `${request.directory}/trees/${request.pinnedTo}`;
    return { ...checkedKeptPlan(host, tree, found, request.signing, keys), digest, changes: [] };
  }

  const ownKey = request.keyDirectory ? host.facts(keyProbe(request.keyDirectory)) : undefined;
  const [keys, locals, { published, kept }, signer, publishedContents] = await Promise.all([
    attributedTo("upstream.key", trustedKeys(keyArgument(request.upstream.key))),
    attributedTo("localPackages", Promise.all(request.localPackages.map(localFile))),
    summariesOf(host, request.directory, keptSummary),
    ownKey,
    host.facts(publishedFindings(request.directory)),
  ]);
  const publishedIdentity = identityIn(publishedContents);
  const fetch = fetchThrough(host, request.upstream, {
    values: ["upstream.url", "suites"],
    remedy:
      "Check the upstream URL and the names of the suites. For a flat repository, which has no dists/, the suite is a path that ends in a slash (./).",
  });
  const exists = existsThrough(host, request.upstream);
  const asked = {
    ...request,
    fetch,
    exists,
    key: keys,
    cache,
    now: new Date(),
    indexLimit: request.upstream.indexLimitMiB * 1024 * 1024,
    seen: newestOf(kept),
    withRelations: request.signing === "mirror" && selects(request.filter),
    accept: request.upstream.accept,
  };
  const releases = await readReleases(asked);
  const cacheKey = JSON.stringify([
    planVersion,
    decidingInputs(request, keys, locals),
    // The set of existing roots is a part of upstream's state.
    releases.map(({ roots }) => roots.map(({ sha256 }) => sha256)),
  ]);
  let digest = (await cache.recall(cacheKey)) ?? (await cache.recall(expiringKey(cacheKey, asked.now)));
  if (!digest || !(await isComplete(digest))) {
    // Reading and planning allocate much memory that is used once. V8 lets garbage grow with the heap, to twice the
    // used memory. With a limit of a fifth, the program for 100,000 packages stays below 400 MB, with a tenth more
    // processor time.
    v8.setFlagsFromString("--heap-growing-percent=20");
    const made = await publish(await readArchive(asked), request, locals);
    digest = made.digest;
    collectGarbage();
    // Files that are missing upstream may exist soon.
    await cache.remember(made.lacking ? expiringKey(cacheKey, asked.now) : cacheKey, digest);
  }
  const publication = JSON.parse(String(await cache.get(digest))) as AptPublication;
  const found = JSON.parse(String(await cache.get(publication.contents))) as Found;
  const changes = digest === published?.plan ? [] : await changesOf(host, request, published, digest, locals);
  collectGarbage();
  await cache.prune();
  // Warnings that depend on the day, or on the published snapshot, are not cached with the plan.
  const warnings = [
    ...accessWarnings(request.upstream.url, request.upstream),
    ...acceptedWarnings(request, releases, asked.now),
    ...found.warnings,
    ...(published && publishedIdentity
      ? changesForClients(...identities(request, published, publishedIdentity, found, signer))
      : []),
  ];
  return { ...found, warnings, digest, changes };
}

/** The identities of the published mirror and of the planned one. */
function identities(
  { signing }: AptPlanRequest,
  published: KeptSummary,
  held: Held,
  found: Found,
  own: { readonly fingerprint: string } | undefined,
): [Identity, Identity] {
  const { signing: before, signingKey } = published;
  const signers = before === "mirror" ? [signingKey?.fingerprint ?? []].flat() : held.upstreamFingerprints;
  // If the declared keys have not changed, clients have both keys.
  const same = signing === "upstream" && before === "upstream" && held.upstreamKey === found.upstreamKey;
  const wanted = signing === "upstream" ? found.upstreamFingerprints : [own?.fingerprint ?? []].flat();
  return [
    { signing: before, headers: held.headers, signers },
    { signing, headers: found.headers, signers: same ? signers : wanted },
  ];
}

/** The newest accepted date per suite: a tree that is served again is not the last accepted one. */
function newestOf(trees: readonly KeptSummary[]): Record<string, { date: string }> {
  const newest: Record<string, { date: string }> = Object.create(null);
  for (const [suite, { date }] of trees.flatMap(({ suites }) => Object.entries(suites))) {
    if (date > (newest[suite]?.date ?? "")) newest[suite] = { date };
  }
  return newest;
}

/** All values that determine a plan, except upstream's state. */
function decidingInputs(
  { signing, suites, components, architectures, filter, extras }: AptPlanRequest,
  keys: TrustedKeys,
  locals: readonly LocalFile[],
) {
  return {
    signing,
    suites,
    components,
    architectures,
    filter,
    extras,
    keys: keys.fingerprints,
    locals: locals.map(({ sha256 }) => sha256),
  };
}

async function localFile(path: string): Promise<LocalFile> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new ExplainedError({
      step: "reading the local packages",
      found: error.message,
      remedy: "Declare .deb files on this workstation, relative to the project.",
    });
  });
  return { ...(await readLocalPackage(bytes, path)), bytes };
}

/** Stores everything that an update needs in the cache; `lacking` says whether some files are missing upstream now. */
async function publish(
  archive: Archive,
  request: AptPlanRequest,
  locals: readonly LocalFile[],
): Promise<{ readonly digest: string; readonly lacking: boolean }> {
  const cache = defaultCache();
  const mirrorSigned = request.signing === "mirror";
  const plan: Plan & Partial<MirrorSignedPlan> = mirrorSigned
    ? planMirrorSigned(archive, request.filter, locals)
    : planUpstreamSigned(archive);
  collectGarbage();
  if (mirrorSigned) refuseForeignPackages(archive, plan as MirrorSignedPlan);
  const work = mirrorSigned
    ? mirrorSignedWork(archive, plan as MirrorSignedPlan, request, locals)
    : upstreamSignedWork(archive, plan);
  const found: Found = {
    suites: Object.fromEntries(
      Object.entries(plan.suites).map(([name, { date, releaseSha256, packages, bytes }]) => [
        name,
        { date, release: releaseSha256, packages, bytes },
      ]),
    ),
    packages: plan.packages,
    bytes: plan.bytes,
    headers: Object.fromEntries(archive.suites.map(({ name, release }) => [name, release.header])),
    upstreamFingerprints: [...new Set(archive.suites.map(({ signedBy }) => signedBy))].sort(),
    upstreamKey: archive.keys.armored,
    warnings: warningsOf(archive, request, plan),
  };
  const put = async ({ bytes }: Text) => cache.put(bytes);
  const publication: AptPublication = {
    planText: await cache.put(planText(plan)),
    workList: await cache.put(workListLines(work.items)),
    contents: await cache.put(JSON.stringify(found)),
    seeds: await Promise.all(work.texts.map(put)),
    signed: mirrorSigned ? request.suites : [],
    completePhases: mirrorSigned && request.extras.phasedUpdates !== "as-upstream",
  };
  return {
    digest: await cache.put(JSON.stringify(publication)),
    lacking: archive.suites.some(({ lacking }) => lacking.length > 0),
  };
}

async function changesOf(
  host: Host,
  request: AptPlanRequest,
  published: KeptSummary | undefined,
  digest: string,
  locals: readonly LocalFile[],
): Promise<string[]> {
  const cache = defaultCache();
  const publication = JSON.parse(String(await cache.get(digest))) as AptPublication;
  const mirrorSigned = request.signing === "mirror";
  const lacking = await requireDiskSpace(host, {
    ...request,
    workList: (await cache.get(publication.workList)) ?? "",
    before: await publishedWorkList(published),
    mirrorSigned,
    programs: ["nginx", "curl", ...(mirrorSigned ? ["reprepro", "gpg", "xz"] : [])],
  });
  collectGarbage();
  const { before, after, unread } = readPlans(
    await planTexts(host, request.directory, published, publication),
  );
  collectGarbage();
  if (before) refuseRebuilt(before, after, locals);
  const changes = comparePlans(before, after, (sha256) => lacking.has(sha256));
  return [
    ...unread,
    ...[...changes].map(([suite, change]) => changeText(suite, change)),
    `plan ${digest.slice(0, 12)}: the name of the snapshot published from it ends with that`,
  ];
}

/**
 * The differences between two plans. The published plan is only used for the comparison, and the update writes it
 * again.
 */
function readPlans(texts: Awaited<ReturnType<typeof planTexts>>): {
  readonly before?: WrittenPlan;
  readonly after: WrittenPlan;
  readonly unread: readonly string[];
} {
  if (!texts.before) return { after: parsePlanText(texts.after), unread: [] };
  const differing = differingLines(texts.before, texts.after);
  try {
    return { before: parsePlanText(differing.before), after: parsePlanText(differing.after), unread: [] };
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    const { step, found } = error.explanation;
    return {
      after: parsePlanText(texts.after),
      unread: [`all packages are shown as new: ${step}: ${found}`],
    };
  }
}

/** A client never fetches an installed version again, and a published package is at the same path. */
function refuseRebuilt(before: WrittenPlan, after: WrittenPlan, locals: readonly LocalFile[]): void {
  for (const local of locals) {
    const paths = after.rows.filter(({ sha256 }) => sha256 === local.sha256).map(({ path }) => path);
    if (!before.rows.some(({ path, sha256 }) => paths.includes(path) && sha256 !== local.sha256)) continue;
    throw refusedLocal(
      local,
      "this version is already published with different content",
      "Build it with a higher version: clients that have this one would never fetch it again.",
    );
  }
}

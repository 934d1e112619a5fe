import { defaultCache } from "../../../content/metadata-cache.ts";
import { type TrustedKeys, trustedKeys, ubuntuImageKeys } from "../../../content/openpgp/keyring.ts";
import type { HeldImage } from "../../../content/simplestreams/held-image.ts";
import { streamLocation } from "../../../content/simplestreams/location.ts";
import type { NotHeld } from "../../../content/simplestreams/not-held.ts";
import { type PlannedImages, planImages } from "../../../content/simplestreams/plan.ts";
import { comparePlans } from "../../../content/simplestreams/plan-comparison.ts";
import { parsePlanText, planText } from "../../../content/simplestreams/plan-text.ts";
import type { ImageRequest } from "../../../content/simplestreams/selection.ts";
import {
  readStreamRoots,
  type StreamAges,
  type StreamRoots,
} from "../../../content/simplestreams/streams.ts";
import { attributedTo } from "../../../errors/attributed-to.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { hostNamed } from "../../../hosts/connections.ts";
import type { Host } from "../../../hosts/host.ts";
import type { MaasSelection } from "../../../values/maas-selection.ts";
import { requireDiskSpace } from "../published-tree/disk-space.ts";
import { planTexts, publishedWorkList } from "../published-tree/plan-texts.ts";
import { isComplete, type Publication } from "../published-tree/publication.ts";
import { keptPlan, type Summary, summariesOf } from "../published-tree/published.ts";
import { fetchThrough, keyArgument } from "../published-tree/upstream.ts";
import { accessWarnings, type UpstreamAccess } from "../published-tree/upstream-access.ts";
import { workListText } from "../published-tree/work-list.ts";
import { checkedKeptPlan, keptSummary } from "./kept-snapshot.ts";

export interface ImagePlanRequest {
  readonly host: string;
  /** The mirror's directory on the host. */
  readonly directory: string;
  /** The store of its host. */
  readonly store: string;
  readonly upstream: UpstreamAccess & {
    readonly url: string;
    readonly key?: string | undefined;
    readonly stallSeconds: number;
  };
  readonly images: readonly ImageRequest[];
  /** Number of newest versions of each product to mirror. */
  readonly keepVersions: number;
  /** Whether to also publish the unsigned forms of the index. */
  readonly unsigned: boolean;
  /** A kept snapshot to serve again instead of upstream's current state. */
  readonly pinnedTo?: string | undefined;
}

/** The planned content of a mirror, from upstream's signed files. */
export interface ImageMirrorPlan {
  /** Digest of the publication, which is stored in this workstation's metadata cache. */
  readonly digest: string;
  /** Dates of upstream's index and product files. */
  readonly updated: StreamAges;
  /** By `os/release/architecture`, boot loaders included. */
  readonly images: Readonly<Record<string, HeldImage>>;
  /** Number of different files, including those of the stream itself. */
  readonly files: number;
  /** Their bytes; equal content counts once. */
  readonly bytes: number;
  /** The selections for MAAS, with which it requests only what the mirror has. */
  readonly selections: readonly MaasSelection[];
  /** Full fingerprints of the keys that signed the stream. */
  readonly fingerprints: readonly string[];
  /** The declared keys, armored. */
  readonly publicKey: string;
  /** The same as a binary keyring in base64, the form that MAAS's API returns. gpgv reads no armor. */
  readonly keyring: string;
  /** What the index lists but the mirror does not have: products by their names in the stream, and images. */
  readonly notHeld: Pick<NotHeld, "products" | "images">;
  /** Warnings for the user. */
  readonly warnings: readonly string[];
  /**
   * One line per image with the change of the published snapshot, e.g. `noble amd64 20261101 -> 20261120, 812.0 MiB to
   * fetch`.
   */
  readonly changes: readonly string[];
}

type Found = Omit<ImageMirrorPlan, "digest" | "changes">;

/** Increased whenever the same stream and request give another publication than before. */
const planVersion = 3;

/**
 * Plans a mirror of images from the current state of upstream and its host. Upstream is read through the host, so from
 * the host's network, and verified here. If nothing has changed, only the index is read.
 *
 * @throws ExplainedError for errors in upstream's files, before anything is changed.
 */
export async function planImageMirror(
  request: ImagePlanRequest,
  host: Host = hostNamed(request.host),
  now = new Date(),
): Promise<ImageMirrorPlan> {
  const cache = defaultCache();
  if (request.pinnedTo) {
    const [key, { found, digest }] = await Promise.all([
      keyOf(request),
      attributedTo("pinnedTo", keptPlan<unknown>(host, request.directory, request.pinnedTo)),
    ]);
    const tree = `${request.directory}/trees/${request.pinnedTo}`;
    return { ...checkedKeptPlan(host, tree, found, key), ...textsOf(key), digest, changes: [] };
  }
  const { base } = streamLocation(request.upstream.url);
  const [key, { published, kept }] = await Promise.all([
    keyOf(request),
    summariesOf(host, request.directory, keptSummary),
  ]);
  const roots = await readStreamRoots({
    url: base,
    fetch: fetchThrough(
      host,
      { ...request.upstream, url: base },
      {
        values: ["upstream.url"],
        remedy: "Check the upstream URL: streams/v1/index.sjson is below the stream's root.",
      },
    ),
    key,
    cache,
    now,
    // Another upstream has unrelated dates. A tree that is served again is not the last accepted one.
    seen: newest(kept.filter(({ upstream }) => upstream === base).map(({ updated }) => updated)),
  });
  const cacheKey = JSON.stringify(["images", planVersion, decidingInputs(request, key), roots.digest]);
  let digest = await cache.recall(cacheKey);
  if (!digest || !(await isComplete(digest))) {
    digest = await prepare(roots, key, await planImages(roots, request));
    await cache.remember(cacheKey, digest);
  }
  const publication = JSON.parse(String(await cache.get(digest))) as Publication;
  const found = JSON.parse(String(await cache.get(publication.contents))) as Found;
  const changes =
    digest === published?.plan ? [] : await changesOf(host, request.directory, published, publication);
  if (digest !== published?.plan) {
    await requireDiskSpace(host, {
      ...request,
      workList: String(await cache.get(publication.workList)),
      before: await publishedWorkList(published),
      programs: ["nginx", "curl"],
    });
  }
  await cache.prune();
  const warnings = [...accessWarnings(base, request.upstream), ...found.warnings];
  return { ...found, digest, changes, warnings };
}

function keyOf({ upstream }: ImagePlanRequest): Promise<TrustedKeys> {
  return attributedTo("upstream.key", trustedKeys(keyArgument(upstream.key) ?? ubuntuImageKeys));
}

function textsOf({ armored, binary }: TrustedKeys): Pick<ImageMirrorPlan, "publicKey" | "keyring"> {
  return { publicKey: armored, keyring: Buffer.from(binary).toString("base64") };
}

function newest(ages: readonly StreamAges[]): StreamAges | undefined {
  if (ages.length === 0) return undefined;
  const products = new Map<string, string>();
  for (const [id, date] of ages.flatMap((age) => Object.entries(age.products))) {
    if (date > (products.get(id) ?? "")) products.set(id, date);
  }
  const [index = ""] = ages
    .map((age) => age.index)
    .sort()
    .reverse();
  return { index, products: Object.fromEntries(products) };
}

/** All values that determine a plan, except upstream's state. */
function decidingInputs({ images, keepVersions, unsigned }: ImagePlanRequest, { fingerprints }: TrustedKeys) {
  return { images, keepVersions, unsigned, keys: fingerprints };
}

/** Stores everything that an update needs in the cache. */
async function prepare(roots: StreamRoots, key: TrustedKeys, planned: PlannedImages): Promise<string> {
  const cache = defaultCache();
  const handedOver = new Set(planned.metadata.map(({ path }) => path));
  const items = planned.files.map(({ path, size, sha256 }) => ({
    sha256,
    size,
    from: handedOver.has(path) ? undefined : path,
    to: `tree/${path}`,
  }));
  const found: Found = {
    updated: planned.ages,
    images: heldImages(planned),
    files: planned.files.length,
    bytes: planned.bytes,
    selections: planned.selections,
    fingerprints: roots.signedBy,
    ...textsOf(key),
    notHeld: { products: planned.notHeld.products, images: planned.notHeld.images },
    warnings: planned.warnings,
  };
  const publication: Publication = {
    planText: await cache.put(planText(planned)),
    workList: await cache.put(workListText(items)),
    contents: await cache.put(JSON.stringify(found)),
    seeds: await Promise.all(planned.metadata.map(({ bytes }) => cache.put(bytes))),
  };
  return cache.put(JSON.stringify(publication));
}

function heldImages({ images }: PlannedImages): Record<string, HeldImage> {
  const held = new Map<string, HeldImage>();
  for (const { os, release, architecture, serial, products, bytes } of images) {
    const name = `${os}/${release}/${architecture}`;
    // A boot loader may have the name of an image; MAAS ignores it. Images come first.
    if (held.has(name)) continue;
    const serials = Object.entries(products).map(([product, of]): [string, string[]] => [product, [...of]]);
    held.set(name, { serial, products: Object.fromEntries(serials), bytes });
  }
  return Object.fromEntries(held);
}

async function changesOf(
  host: Host,
  directory: string,
  published: Summary | undefined,
  wanted: Publication,
): Promise<string[]> {
  const { before, after } = await planTexts(host, directory, published, wanted);
  const now = parsePlanText(String(after));
  if (!before) return comparePlans(undefined, now);
  try {
    return comparePlans(parsePlanText(String(before)), now);
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    // It is only used for the comparison, and the update writes it again.
    const { step, found } = error.explanation;
    return [`all images are shown as new: ${step}: ${found}`, ...comparePlans(undefined, now)];
  }
}

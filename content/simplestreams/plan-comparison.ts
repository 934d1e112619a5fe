import { amountOf } from "../sizes.ts";
import { bytesOf, type ImagePlan, type PlannedImage, type PlanRow } from "./plan-text.ts";

/**
 * The changes when a new plan replaces an old one: one line per image with all its kernels, one for all boot loaders,
 * one for the rest; no lines without differences. E.g.
 *
 * - `noble amd64 20261101 -> 20261120, 812.0 MiB to fetch, 790.0 MiB to prune later`
 * - `noble arm64 20261120 (new), 700.1 MiB to fetch`
 * - `jammy amd64 (no longer held), 801.3 MiB to prune later`
 *
 * Bytes that two images share are fetched with the first of them and pruned with the last.
 */
export function comparePlans(old: ImagePlan | undefined, wanted: ImagePlan): string[] {
  if (old?.digest === wanted.digest) return [];
  const fetched = shares(wanted, contentsOf(old?.rows ?? []));
  const pruned = shares(old, contentsOf(wanted.rows));
  const before = new Map(old?.images.map((image) => [keyOf(image), image]));
  const after = new Map(wanted.images.map((image) => [keyOf(image), image]));
  const lines: string[] = [];
  const loaders: string[] = [];
  let loaderBytes = 0;
  let loaderLost = 0;
  for (const key of new Set([...after.keys(), ...before.keys()])) {
    const was = before.get(key);
    const is = after.get(key);
    const fetch = bytesOf(fetched.get(key) ?? []);
    const prune = bytesOf(pruned.get(key) ?? []);
    if (was && is && sameVersions(was, is) && fetch + prune === 0) continue;
    const image = is ?? was;
    if (image?.kind === "image") {
      lines.push([nameOf(image) + changeOf(was, is), ...amounts(fetch, prune)].join(", "));
    } else if (image) {
      loaders.push(nameOf(image) + changeOf(was, is));
      loaderBytes += fetch;
      loaderLost += prune;
    }
  }
  if (loaders.length > 0) {
    lines.push([`boot loaders: ${loaders.join("; ")}`, ...amounts(loaderBytes, loaderLost)].join(", "));
  }
  if (lines.length === 0) lines.push(metadataLine(old, wanted));
  return lines;
}

/** For Ubuntu the release names are clear without the system. */
function nameOf({ kind, os, release, architecture }: PlannedImage): string {
  if (kind === "bootloader") return `${os} ${architecture}`;
  return os === "ubuntu" || release.startsWith(os)
    ? `${release} ${architecture}`
    : `${os}/${release} ${architecture}`;
}

function changeOf(was: PlannedImage | undefined, is: PlannedImage | undefined): string {
  if (!was) return ` ${is?.serial} (new)`;
  if (!is) return " (no longer held)";
  if (was.serial !== is.serial) return ` ${was.serial} -> ${is.serial}`;
  const kernels = kernelChanges(was, is);
  return ` ${is.serial}${kernels.length > 0 ? ` (${kernels.join(", ")})` : ""}`;
}

/** The other changes when the newest version is the same: added and removed kernels and versions. */
function kernelChanges(was: PlannedImage, is: PlannedImage): string[] {
  const added = is.kernels.filter((kernel) => !was.kernels.includes(kernel)).map((kernel) => `+${kernel}`);
  const removed = was.kernels.filter((kernel) => !is.kernels.includes(kernel)).map((kernel) => `-${kernel}`);
  if (added.length + removed.length > 0) return [...added, ...removed];
  const held = (image: PlannedImage) => new Set(Object.values(image.products).flat());
  const addedSerials = [...held(is)].filter((serial) => !held(was).has(serial)).map((serial) => `+${serial}`);
  const removedSerials = [...held(was)]
    .filter((serial) => !held(is).has(serial))
    .map((serial) => `-${serial}`);
  if (addedSerials.length + removedSerials.length > 0)
    return [...addedSerials.sort(), ...removedSerials.sort()];
  return sameVersions(was, is) ? ["same version, new content"] : ["other versions of some kernels"];
}

function sameVersions(was: PlannedImage, is: PlannedImage): boolean {
  return JSON.stringify(was.products) === JSON.stringify(is.products);
}

function amounts(fetch: number, prune: number): string[] {
  return [
    ...(fetch > 0 ? [`${amountOf(fetch)} to fetch`] : []),
    ...(prune > 0 ? [`${amountOf(prune)} to prune later`] : []),
  ];
}

/** The index also changes for images that are not mirrored here. */
function metadataLine(old: ImagePlan | undefined, wanted: ImagePlan): string {
  const from = old && old.ages.index !== wanted.ages.index ? `${old.ages.index} -> ` : "";
  return `the stream's index ${from}${wanted.ages.index}, no image changes`;
}

function keyOf({
  kind,
  os,
  release,
  architecture,
}: Pick<PlannedImage, "kind" | "os" | "release" | "architecture">) {
  return `${kind} ${os} ${release} ${architecture}`;
}

function contentsOf(rows: readonly PlanRow[]): Set<string> {
  return new Set(rows.map(({ sha256 }) => sha256));
}

/**
 * The rows of a plan by image, without content that is among the others. Each content is listed once, with its first
 * image.
 */
function shares(plan: ImagePlan | undefined, others: ReadonlySet<string>): Map<string, PlanRow[]> {
  const rows = new Map<string, PlanRow[]>();
  const seen = new Set(others);
  const order = new Map(plan?.images.map((image, index) => [keyOf(image), index]));
  const rank = ({ product }: PlanRow) => (product ? (order.get(keyOf(product)) ?? 0) : 0);
  for (const row of [...(plan?.rows ?? [])].sort((a, b) => rank(a) - rank(b))) {
    if (!row.product || seen.has(row.sha256)) continue;
    seen.add(row.sha256);
    const key = keyOf(row.product);
    rows.set(key, [...(rows.get(key) ?? []), row]);
  }
  return rows;
}

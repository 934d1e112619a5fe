import { createHash } from "node:crypto";
import type { Archive, ArchiveSuite, MetadataFile } from "../../content/apt/archive.ts";
import { pathPart, sourceKey } from "../../content/apt/index-key.ts";
import { type LocalPackage, poolPath } from "../../content/apt/local-merge.ts";
import type { Plan, PlanRow, ResignedPlan } from "../../content/apt/plan.ts";
import { digestOf, type WorkItem } from "../published-tree/work-list.ts";

/** Something the workstation hands over. */
export interface Text {
  readonly bytes: Buffer;
}

export interface LocalFile extends LocalPackage, Text {}

/** What has to be done for a plan: which file goes where, and what the workstation hands over for it. */
export interface Work {
  readonly items: readonly WorkItem[];
  readonly texts: readonly Text[];
}

/** A verbatim tree is upstream's files under upstream's names. */
export function verbatimWork(archive: Archive, plan: Plan): Work {
  const roots = archive.suites.flatMap((suite) => suite.roots);
  const handedOver = new Set(roots.map(({ path }) => path));
  const origins = new Map(
    archive.suites.flatMap((suite) => suite.files.map(({ path, from }) => [path, from] as const)),
  );
  const items = plan.files.map(({ path, size, sha256 }) => ({
    sha256,
    size,
    from: handedOver.has(path) ? undefined : (origins.get(path) ?? path),
    to: path.startsWith("pool/") ? path : `tree/${path}`,
  }));
  return { items, texts: roots };
}

/**
 * A re-signed tree is made by reprepro from a view of upstream: its signed roots and package indices, and
 * the packages of the pool. Indices that reprepro does not know pass into the tree as they are.
 */
export function resignedWork(
  archive: Archive,
  plan: ResignedPlan,
  {
    components,
    architectures,
  }: { readonly components: readonly string[]; readonly architectures: readonly string[] },
  locals: readonly LocalFile[],
): Work {
  const items: WorkItem[] = [];
  const texts: Text[] = [];
  const handOver = (to: string, content: string | Buffer) => {
    const bytes = Buffer.from(content);
    items.push({ sha256: digestOf(bytes), size: bytes.length, from: undefined, to });
    texts.push({ bytes });
  };
  for (const suite of archive.suites) {
    for (const { path, bytes } of suite.roots) handOver(`view/${path}`, bytes);
    items.push(...indexItems(suite));
    handOver(`headers/${pathPart(suite.name)}`, headOf(suite, components, architectures));
  }
  for (const [index, names] of Object.entries(plan.selection)) {
    handOver(`selection/${index}`, names.map((name) => `${name} install\n`).join(""));
  }
  if (archive.extras.sources) {
    const names = sourceNames(plan);
    // A suite from which no source is taken has a list, too: reprepro's configuration names it.
    for (const { name: suite } of archive.suites) {
      const lines = [...(names.get(suite) ?? [])].sort().map((name) => `${name} install\n`);
      handOver(`selection/${sourceKey(suite)}`, lines.join(""));
    }
  }
  const [home] = archive.suites;
  const [component = ""] = components;
  const ofTheSite = new Set(locals.map((local) => poolPath(local, component)));
  for (const row of plan.files) {
    if (row.package && !ofTheSite.has(row.path)) items.push(poolItem(row));
  }
  if (locals.length > 0 && home) {
    for (const local of locals) handOver(poolPath(local, component), local.bytes);
    for (const architecture of architectures) {
      handOver(
        `local/dists/${home.name}/${component}/binary-${architecture}/Packages`,
        localIndex(locals, component, architecture),
      );
    }
  }
  return { items, texts };
}

function poolItem({ sha256, size, path }: PlanRow): WorkItem {
  return { sha256, size, from: path, to: path.startsWith("pool/") ? path : `view/${path}` };
}

/** The smallest form of each package index for reprepro's view; everything else for the tree. */
function indexItems(suite: ArchiveSuite): WorkItem[] {
  const item = ({ from, sha256, size }: MetadataFile, to: string) => ({ sha256, size, from, to });
  const plain = suite.files.filter(({ path }) => !path.includes("/by-hash/"));
  const read = new Set(suite.indices.map(({ path }) => path));
  const isForm = (path: string) => read.has(path.replace(/\.(xz|gz|bz2|zst)$/, ""));
  const views = [...read].flatMap((path) => {
    const form = [".xz", ".gz", "", ".bz2", ".zst"].flatMap((suffix) =>
      plain.filter((file) => file.path === path + suffix),
    )[0];
    return form ? [item(form, `view/${form.path}`)] : [];
  });
  return [
    ...views,
    ...plain.filter(({ path }) => !isForm(path)).map((file) => item(file, `tree/${file.path}`)),
  ];
}

/** Fields of a Release that say when it was made and what it lists: the re-signed one has its own. */
const ownFields = new Set([
  "date",
  "valid-until",
  "acquire-by-hash",
  "architectures",
  "components",
  "md5sum",
  "sha1",
  "sha256",
  "sha512",
  "signed-by",
]);

/**
 * The head of a re-signed Release: upstream's Origin, Label, Suite, Codename, Version and whatever else
 * it says there, since apt asks its user when these change (apt-secure(8)) and pins depend on them.
 */
function headOf(
  { name, release }: ArchiveSuite,
  components: readonly string[],
  architectures: readonly string[],
): string {
  const fields = Object.entries(release.header).filter(
    ([field, value]) => !ownFields.has(field.toLowerCase()) && value,
  );
  const own = [`Architectures: ${architectures.join(" ")}`, `Components: ${components.join(" ")}`];
  // apt warns of a Release that does not say of which suite it is.
  if (!release.header.Suite && !release.header.Codename) own.push(`Codename: ${name}`);
  return `${[...fields.map(([field, value]) => `${field}: ${value}`), ...own].join("\n")}\n`;
}

function sourceNames(plan: Plan): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const { package: found } of plan.rows) {
    if (found?.architecture !== "source") continue;
    names.set(found.suite, (names.get(found.suite) ?? new Set()).add(found.name));
  }
  return names;
}

function localIndex(locals: readonly LocalFile[], component: string, architecture: string): string {
  return locals
    .filter((local) => local.architecture === architecture || local.architecture === "all")
    .map((local) => {
      const digest = (algorithm: string) => createHash(algorithm).update(local.bytes).digest("hex");
      const file = [
        `Filename: ${poolPath(local, component)}`,
        `Size: ${local.size}`,
        `MD5sum: ${digest("md5")}`,
        `SHA1: ${digest("sha1")}`,
        `SHA256: ${local.sha256}`,
      ];
      return `${local.control.trimEnd()}\n${file.join("\n")}\n`;
    })
    .join("\n");
}

import { createHash } from "node:crypto";
import type { Archive, ArchiveSuite } from "../../../content/apt/archive.ts";
import { indexKey, pathPart } from "../../../content/apt/index-key.ts";
import { type LocalPackage, poolPath } from "../../../content/apt/local-merge.ts";
import type { MetadataFile } from "../../../content/apt/metadata-file.ts";
import type { MirrorSignedPlan } from "../../../content/apt/mirror-signed-plan.ts";
import type { Plan } from "../../../content/apt/plan.ts";
import type { PlanRow } from "../../../content/apt/plan-row.ts";
import { digestOf } from "../../../values/digest.ts";
import type { WorkItem } from "../published-tree/work-list.ts";

/** A text that the workstation uploads. */
export interface Text {
  readonly bytes: Buffer;
}

export interface LocalFile extends LocalPackage, Text {}

/** The work for a plan: the destination of each file, and the texts that the workstation uploads. */
interface Work {
  readonly items: readonly WorkItem[];
  readonly texts: readonly Text[];
}

/** A tree with upstream's signature consists of upstream's files under upstream's names. */
export function upstreamSignedWork(archive: Archive, plan: Plan): Work {
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
 * reprepro makes a tree that the mirror signs from upstream's package indices, which the host reads again (see
 * take-index.perl): `index/SUITE/COMPONENT/KIND/...`, and the selection from each,
 * `selection/SUITE/COMPONENT/ARCHITECTURE` and `sources/SUITE`. Packages are `package/...`, by upstream's path.
 * Indices that reprepro does not support are copied into the tree unchanged. Names that may contain slashes are
 * written as one part of a path, as `pathPart` does.
 */
export function mirrorSignedWork(
  archive: Archive,
  plan: MirrorSignedPlan,
  {
    components,
    architectures,
  }: { readonly components: readonly string[]; readonly architectures: readonly string[] },
  locals: readonly LocalFile[],
): Work {
  const items: WorkItem[] = [];
  const texts: Text[] = [];
  const addText = (to: string, content: string | Buffer) => {
    const bytes = Buffer.from(content);
    items.push({ sha256: digestOf(bytes), size: bytes.length, from: undefined, to });
    texts.push({ bytes });
  };
  for (const suite of archive.suites) {
    items.push(...indexItems(suite));
    for (const { kind, component, architecture } of suite.indices) {
      const key = indexKey({ suite: suite.name, component, architecture });
      const names = kind === "packages" && plan.selection[key];
      if (names) addText(`selection/${key}`, lines(names));
    }
    addText(`headers/${pathPart(suite.name)}`, headOf(suite, components, architectures));
  }
  for (const [suite, names] of sourceNames(plan)) {
    addText(`sources/${pathPart(suite)}`, lines([...names].sort()));
  }
  const [home] = archive.suites;
  const [component = ""] = components;
  const localPaths = new Set(locals.map((local) => poolPath(local, component)));
  for (const row of plan.files) {
    if (row.package && !localPaths.has(row.path)) items.push(poolItem(row));
  }
  if (locals.length > 0 && home) {
    for (const local of locals) addText(`package/${poolPath(local, component)}`, local.bytes);
    for (const architecture of architectures) {
      addText(
        `index/${indexKey({ suite: home.name, component, architecture: `local-${architecture}` })}/Packages`,
        localIndex(locals, component, architecture),
      );
    }
  }
  return { items, texts };
}

function poolItem({ sha256, size, path }: PlanRow): WorkItem {
  return { sha256, size, from: path, to: `package/${path}` };
}

function lines(names: readonly string[]): string {
  return names.map((name) => `${name}\n`).join("");
}

/** Directories of upstream's indices in a work list, by their kind. */
const kindNames = { packages: "binary", installer: "installer", sources: "sources" } as const;

/** The smallest form of each package index, for the host to read; all other files for the tree. */
function indexItems(suite: ArchiveSuite): WorkItem[] {
  const item = ({ from, sha256, size }: MetadataFile, to: string) => ({ sha256, size, from, to });
  const plain = suite.files.filter(({ path }) => !path.includes("/by-hash/"));
  const read = new Set(suite.indices.map(({ path }) => path));
  const isForm = (path: string) => read.has(path.replace(/\.(xz|gz|bz2|zst)$/, ""));
  const readAgain = suite.indices.flatMap(({ path, kind, component, architecture }) => {
    const form = [".xz", ".gz", "", ".bz2", ".zst"].flatMap((suffix) =>
      plain.filter((file) => file.path === path + suffix),
    )[0];
    if (!form) return [];
    const key = indexKey({
      suite: suite.name,
      component,
      architecture: `${kindNames[kind]}-${architecture}`,
    });
    return [item(form, `index/${key}/${form.path.replace(/^.*\//, "")}`)];
  });
  return [
    ...readAgain,
    ...plain.filter(({ path }) => !isForm(path)).map((file) => item(file, `tree/${file.path}`)),
  ];
}

/** Fields of a Release for its date and its list of files: the mirror's Release has different ones. */
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
 * The head of a Release that the mirror signs: upstream's Origin, Label, Suite, Codename, Version and other fields,
 * since the user of apt must accept changes of these (apt-secure(8)) and pins depend on them.
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
  // apt warns about a Release that does not name its suite.
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

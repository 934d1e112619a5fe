import { readFileSync } from "node:fs";
import { join } from "node:path";
import { directoriesOf } from "../../../content/paths.ts";
import { amountOf } from "../../../content/sizes.ts";
import { linesOf, mergedLines } from "../../../content/text-lines.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import { type Disk, diskOf, freeOn } from "./disk.ts";

const missingFromStore = readFileSync(join(import.meta.dirname, "missing-from-store.perl"), "utf8");

/** The space that something needs on a file system. */
export interface RequiredSpace {
  readonly bytes: number;
  readonly inodes: number;
  /** Files that a store will also get, by digest, with their bytes. Equal files in one store count once. */
  readonly files?: { readonly store: string; readonly bytes: ReadonlyMap<string, number> } | undefined;
}

/** A planned update. */
interface PlannedUpdate {
  readonly directory: string;
  readonly store: string;
  /** The work list's text. */
  readonly workList: string | Buffer;
  /** The work list of the published snapshot, if this workstation has it: its files are in the store. */
  readonly before?: string | Buffer | undefined;
  /** Whether reprepro makes the indices again. */
  readonly mirrorSigned?: boolean;
  /** Programs that the update needs; if one is missing, it installs packages first. */
  readonly programs?: readonly string[];
}

/** The free space that reprepro requires with --dbsafetymargin and --safetymargin (reprepro(1)). */
const reproMargin = 101 * 2 ** 20;
/** Factor for compressed indices: the uncompressed form, two compressed ones and reprepro's database. */
const reproGrowth = 12;
/** Downloads and unpacked files of apt for a mirror's programs, on Ubuntu and Debian, with a reserve. */
const packagesNeed: RequiredSpace = { bytes: 64 * 2 ** 20, inodes: 2000 };

/**
 * The space that the updates of one run of the program need, by host and file system. Free space is measured once,
 * before any update is executed. A second request of the same update belongs to the next run.
 */
export class DiskSpace {
  readonly #disks = new Map<string, { readonly disk: Disk; readonly needs: Map<string, RequiredSpace> }>();

  /** @throws ExplainedError if the total need is more than the free space. */
  claim(host: string, found: Disk, name: string, need: RequiredSpace): void {
    const key = JSON.stringify([host, found.id]);
    if (this.#disks.get(key)?.needs.has(name)) this.#disks.delete(key);
    const { disk, needs } = this.#disks.get(key) ?? { disk: found, needs: new Map<string, RequiredSpace>() };
    this.#disks.set(key, { disk, needs });
    const others = [...needs.keys()].sort();
    needs.set(name, need);
    const total = totalOf([...needs.values()]);
    if (total.bytes <= disk.bytes && total.inodes <= (disk.inodes ?? Number.POSITIVE_INFINITY)) return;
    // The others fit without it, so they must not fail.
    needs.delete(name);
    const short =
      total.bytes > disk.bytes
        ? `${amountOf(total.bytes - disk.bytes)} too little`
        : `${total.inodes - (disk.inodes ?? 0)} inodes too few`;
    const together =
      others.length > 0 ? `, with ${others.join(", ")} on the same file system ${shown(total, disk)}` : "";
    throw new ExplainedError({
      host,
      step: `checking the disk space for ${name}`,
      found: `the update needs ${shown(totalOf([need]), disk)}${together}, and ${freeOn(disk)}: ${short}`,
      remedy:
        "Free space there (`df -h`, `df -i`), set directory to a larger file system, or reduce the mirror's content.",
    });
  }

  /** The same for space that several updates need together once. */
  claimOnce(host: string, disk: Disk, name: string, need: RequiredSpace): void {
    if (!this.#disks.get(JSON.stringify([host, disk.id]))?.needs.has(name))
      this.claim(host, disk, name, need);
  }
}

const spaceOfThisRun = new DiskSpace();

/**
 * Determines what an update needs on its host's file system in addition to the store, and whether that is free
 * together with the needs of the other updates of this run.
 *
 * @returns All content that is not in the store and not in `before`, by SHA-256.
 * @throws ExplainedError with the needed and the free space.
 */
export async function requireDiskSpace(
  host: Host,
  update: PlannedUpdate,
  diskSpace = spaceOfThisRun,
): Promise<Pick<ReadonlySet<string>, "has">> {
  const { directory, store, programs = [] } = update;
  const step = `checking the disk space for ${directory}`;
  const newContent = newFiles(update);
  const [disk, places, answer] = await Promise.all([
    host.facts(diskOf(directory)),
    host.facts({
      script: sh`for p in ${programs}; do command -v "$p" >/dev/null || echo "$p"; done`,
      parse: async (lacking) =>
        lacking.trim()
          ? Promise.all(["/usr", "/var/cache/apt/archives"].map((at) => host.facts(diskOf(at))))
          : [],
    }),
    host.run(missingScript(store, `${directory}/work/partial`), { input: newContent, step }),
  ]);
  const files = missingOf(newContent, answer.stdout);
  for (const place of new Map((await places).map((found) => [found.id, found])).values())
    diskSpace.claimOnce(host.name, place, "the packages that the mirror's host needs", packagesNeed);
  diskSpace.claim(host.name, disk, directory, requiredSpace(update, files));
  return files;
}

/** The total need; equal files for one store count once. */
function totalOf(needs: readonly RequiredSpace[]): RequiredSpace {
  const stores = new Map<string, ReadonlyMap<string, number>>();
  for (const { files } of needs) {
    if (!files) continue;
    const held = stores.get(files.store);
    stores.set(files.store, held ? new Map([...held, ...files.bytes]) : files.bytes);
  }
  const held = [...stores.values()];
  return {
    bytes: sum(needs.map(({ bytes }) => bytes)) + sum(held.map((files) => sum([...files.values()]))),
    inodes: sum(needs.map(({ inodes }) => inodes)) + sum(held.map(({ size }) => size)),
  };
}

/**
 * The space that an update needs.
 *
 * @param missing The content of the work list that the store lacks, with its bytes in whole blocks.
 */
export function requiredSpace(
  { store, workList, before = "", mirrorSigned = false }: Omit<PlannedUpdate, "directory" | "programs">,
  missing: ReadonlyMap<string, number>,
): RequiredSpace {
  const directories = new Set<string>();
  const left = new Set<string>();
  const added: string[] = [];
  let entries = 0;
  let indices = 0;
  for (const [line, was, is] of mergedLines(before, workList)) {
    const { size, to } = rowOf(line);
    const stays = inPool(to);
    if (was && !is && stays) left.add(to);
    if (!is || (was && stays)) continue;
    addDirectoriesOf(to, directories);
    if (to.startsWith("index/")) indices += size;
    if (stays && before.length > 0) added.push(to);
    else entries += entryOf(to);
  }
  // A path in the pool keeps its directory entry when its content changes.
  for (const to of added) if (!left.has(to)) entries += entryOf(to);
  for (const { to } of rowsOf(before)) {
    if (inPool(to)) for (const directory of directoriesOf(to)) directories.delete(directory);
  }
  return {
    bytes:
      4096 * directories.size +
      entries +
      2 * workList.length +
      (mirrorSigned ? reproMargin + reproGrowth * indices : 0),
    // A tree's descriptions, the store's directories and reprepro's output.
    inodes: directories.size + Math.min(256, missing.size) + 32 + (mirrorSigned ? 500 : 0),
    files: { store, bytes: missing },
  };
}

/** See missing-from-store.perl, which reads its input. */
function missingScript(store: string, partial: string): string {
  return sh`perl -e ${missingFromStore} ${store} ${partial}`;
}

function missingOf(asked: string, answer: string): Map<string, number> {
  const lines = asked.split("\n");
  return new Map(
    answer
      .split("\n")
      .filter((line) => /^\d+ \d+$/.test(line))
      .map((line): [string, number] => {
        const [number = 0, bytes = 0] = line.split(" ").map(Number);
        return [(lines[number - 1] ?? "").slice(0, 64), bytes];
      }),
  );
}

/** One line `sha256 size` for each content that is not in the list before. Both lists are sorted by content. */
function newFiles({ workList, before = "" }: PlannedUpdate): string {
  const texts: string[] = [];
  const lines: string[] = [];
  let last = "";
  let known = false;
  const close = () => {
    if (last !== "" && !known) lines.push(`${last}\n`);
    // A substring keeps the whole line in memory.
    if (lines.length >= 1000) texts.push(lines.splice(0).join(""));
  };
  for (const [line, was] of mergedLines(before, workList)) {
    const { sha256, size } = rowOf(line);
    const content = `${sha256} ${size}`;
    if (content !== last) {
      close();
      [last, known] = [content, false];
    }
    known ||= was;
  }
  close();
  return [...texts, ...lines].join("");
}

interface Row {
  readonly sha256: string;
  readonly size: number;
  readonly to: string;
}

function* rowsOf(workList: string | Buffer): Generator<Row> {
  for (const line of linesOf(workList)) yield rowOf(line);
}

function rowOf(line: string): Row {
  const [sha256 = "", size = "", , to = ""] = line.split("\t");
  return { sha256, size: Number(size), to };
}

/** Files in the pool are at the same path for the next tree. */
function inPool(to: string): boolean {
  return to.startsWith("pool/") || to.startsWith("package/");
}

/** A directory entry needs about 8 bytes plus the name. */
function entryOf(to: string): number {
  return 8 + to.length - to.lastIndexOf("/") - 1;
}

/** Adds the directories that contain a path. */
function addDirectoriesOf(path: string, directories: Set<string>): void {
  for (const directory of directoriesOf(path)) {
    if (directories.has(directory)) break;
    // A substring keeps the whole line in memory.
    directories.add(Buffer.from(directory).toString());
  }
}

function shown({ bytes, inodes }: RequiredSpace, disk: Disk): string {
  return `${amountOf(bytes)}${disk.inodes === undefined ? "" : ` and ${inodes} inodes`}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

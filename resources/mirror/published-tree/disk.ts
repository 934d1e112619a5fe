import { amountOf } from "../../../content/sizes.ts";
import type { Probe } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";

/** A file system of a host, with its free space. */
export interface Disk {
  /** Identifies the file system on its host. Subvolumes that share space have the same id. */
  readonly id: string;
  /** Where it is mounted. */
  readonly mount: string;
  /** Bytes that are free for all users; some file systems reserve more for root. */
  readonly bytes: number;
  /** Free inodes; undefined if the file system creates them on demand. */
  readonly inodes: number | undefined;
  /** Block size in bytes. A file occupies whole blocks. */
  readonly block: number;
}

/** The file system of a directory that exists or will be created. */
export function diskOf(directory: string): Probe<Disk> {
  return {
    script: sh`d=${directory}
while [ ! -e "$d" ]; do d=$(dirname -- "$d"); done
df --output=source,target -- "$d" | tail -n 1
stat -c %d -- "$d"
stat -f -c '%a %S %d %c' -- "$d"`,
    parse: (output) => {
      const [names = "", device = "", numbers = ""] = output.trim().split("\n");
      const [, source = "", mount = ""] = /^(\S+)\s+(.*)$/.exec(names) ?? [];
      const [blocks = 0, block = 4096, inodes = 0, allInodes = 0] = numbers.split(" ").map(Number);
      return {
        id: source.startsWith("/") ? source : device,
        mount,
        bytes: blocks * block,
        inodes: allInodes > 0 ? inodes : undefined,
        block,
      };
    },
  };
}

/** `3.1 MiB and 12 inodes are free on /srv`. */
export function freeOn({ mount, bytes, inodes }: Disk): string {
  return `${amountOf(bytes)}${inodes === undefined ? "" : ` and ${inodes} inodes`} are free on ${mount}`;
}

/** Error texts of programs that cannot write any more: of strerror(3), reprepro and this project's scripts. */
export const diskTrouble =
  /No space left on device|Disk quota exceeded|Read-only file system|NOT ENOUGH FREE SPACE|^disk: /im;

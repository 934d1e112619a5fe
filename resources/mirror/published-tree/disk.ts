import { amountOf } from "../../../content/sizes.ts";
import type { Probe } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";

/** A file system of a host, and what is free on it. */
export interface Disk {
  /** Tells the host's file systems apart. Parts of one that share its space (subvolumes) are one. */
  readonly id: string;
  /** Where it is mounted. */
  readonly mount: string;
  /** Bytes that are free for everybody; some file systems keep more for root. */
  readonly bytes: number;
  /** Free inodes; undefined where the file system makes as many as are asked for. */
  readonly inodes: number | undefined;
  /** Bytes of a block, of which a file takes whole ones. */
  readonly block: number;
}

/** The file system on which a directory is, or would be made. */
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

/** What programs say that can write no further, in the words of strerror(3), reprepro and this project's scripts. */
export const diskTrouble =
  /No space left on device|Disk quota exceeded|Read-only file system|NOT ENOUGH FREE SPACE|^disk: /im;

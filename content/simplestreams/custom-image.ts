/** A custom image: one archive that MAAS unpacks onto a disk. */
export interface CustomImageDescription {
  /** Of MAAS's: `centos`, `rhel`, `ol` or `suse`. Says how MAAS deploys it. */
  readonly os: string;
  /** Free, e.g. `rocky9`: machines are deployed with `OS/RELEASE`. */
  readonly release: string;
  /** For people, e.g. `Rocky Linux 9`. */
  readonly releaseTitle: string;
  /** e.g. `9`: `OS/VERSION` is another name for it. */
  readonly version: string;
  readonly architecture: string;
  /** Of this version: digits, with `.N` or `_N` behind them. MAAS takes the one that sorts last, so it must grow. */
  readonly serial: string;
  /** @default "stable" */
  readonly label?: string | undefined;
  /** When MAAS's support of it ends, `2032-05-31`. For display only. */
  readonly supportEnd?: string | undefined;
  readonly file: {
    /** `root-tgz`. */
    readonly ftype: string;
    /** Bytes. */
    readonly size: number;
    /** Lower-case hexadecimal. */
    readonly sha256: string;
  };
  /** A list of what is in it. MAAS 3.8 does not read a stream without one, and no MAAS reads the file. */
  readonly manifest: { readonly size: number; readonly sha256: string };
}

/** A custom image: one archive that MAAS unpacks onto a disk. */
export interface CustomImageDescription {
  /** MAAS's name of the system: `centos`, `rhel`, `ol` or `suse`. It determines how MAAS deploys it. */
  readonly os: string;
  /** Any name, e.g. `rocky9`: machines are deployed with `OS/RELEASE`. */
  readonly release: string;
  /** Displayed name, e.g. `Rocky Linux 9`. */
  readonly releaseTitle: string;
  /** e.g. `9`: `OS/VERSION` is another name for it. */
  readonly version: string;
  readonly architecture: string;
  /**
   * The serial of this version: digits, optionally followed by `.N` or `_N`. MAAS uses the one that sorts last, so it
   * must grow.
   */
  readonly serial: string;
  /** @default "stable" */
  readonly label?: string | undefined;
  /** The displayed end of support in MAAS, `2032-05-31`. */
  readonly supportEnd?: string | undefined;
  readonly file: {
    /** `root-tgz`. */
    readonly ftype: string;
    /** Bytes. */
    readonly size: number;
    /** Lower-case hexadecimal. */
    readonly sha256: string;
  };
  /** A list of its content. MAAS 3.8 does not read a stream without one, but no MAAS reads the file. */
  readonly manifest: { readonly size: number; readonly sha256: string };
}

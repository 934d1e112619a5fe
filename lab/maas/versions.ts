/** The releases of MAAS that the stand-in can be. */
export type VersionName = "3.5" | "3.6" | "3.7" | "3.8";

/** What differs between releases of MAAS, as far as the stand-in goes. */
export interface Version {
  readonly name: VersionName;
  /** What `version/` says. */
  readonly full: string;
  /** Whether timestamps say that they are UTC: `USE_TZ` since 3.6; before that they are local time, unsaid. */
  readonly zonedTimestamps: boolean;
  /** The series that machines are commissioned with, unless configured. */
  readonly commissioningSeries: "jammy" | "noble";
  /** What is said where the images of the commissioning series would go; undefined where they may go. */
  readonly commissioningSelectionStays: ((os: string, release: string) => string) | undefined;
  /** Who may see boot sources is decided by a permission, asked after the signature, instead of by the resource. */
  readonly permissions: boolean;
  /**
   * Boot sources have a name, a priority and a switch, their addresses no slash at the end, their images go with
   * them, each saving fetches them again and each failure to fetch is notified.
   */
  readonly namedSources: boolean;
  /** Setting the proxy fetches what the boot sources have again. */
  readonly proxyRefreshesSources: boolean;
  /** Whether the host of an image's files has to be one that TLS trusts. */
  readonly verifiesImageHosts: boolean;
  /** What an upload's declaration has made goes with it where it is refused; before, an image without a version stays. */
  readonly undoesRefusedUploads: boolean;
  /** An image may be uploaded in the request that declares it. */
  readonly uploadInOne: boolean;
}

const ephemeral = "Unable to delete %s %s. It is the operating system used in ephemeral environments.";

const upTo37 = {
  permissions: false,
  namedSources: false,
  uploadInOne: true,
} as const;

/** Source: MAAS 3.5.13 and 3.6.5 as run; 3.7 and 3.8 as their sources say. */
export const versions: Readonly<Record<VersionName, Version>> = {
  "3.5": {
    ...upTo37,
    name: "3.5",
    full: "3.5.13",
    zonedTimestamps: false,
    commissioningSeries: "jammy",
    undoesRefusedUploads: false,
    commissioningSelectionStays: () => ephemeral, // the names really are not filled in
    proxyRefreshesSources: true,
    verifiesImageHosts: false,
  },
  "3.6": {
    ...upTo37,
    name: "3.6",
    full: "3.6.5",
    zonedTimestamps: true,
    commissioningSeries: "noble",
    undoesRefusedUploads: true,
    commissioningSelectionStays: () => ephemeral,
    proxyRefreshesSources: true,
    verifiesImageHosts: false,
  },
  "3.7": {
    ...upTo37,
    name: "3.7",
    full: "3.7.2",
    undoesRefusedUploads: true,
    zonedTimestamps: true,
    commissioningSeries: "noble",
    commissioningSelectionStays: (os, release) =>
      `Unable to delete ${os} ${release}. It is the operating system used for commissioning.`,
    proxyRefreshesSources: false,
    verifiesImageHosts: true,
  },
  "3.8": {
    name: "3.8",
    full: "3.8.0~beta6",
    undoesRefusedUploads: true,
    zonedTimestamps: true,
    commissioningSeries: "noble",
    commissioningSelectionStays: undefined,
    permissions: true,
    namedSources: true,
    proxyRefreshesSources: false,
    verifiesImageHosts: true,
    uploadInOne: false,
  },
};

/** A time as this release writes it, to the millisecond. */
export function timestamp(version: Version, milliseconds: number): string {
  const utc = new Date(milliseconds).toISOString();
  return version.zonedTimestamps ? utc : utc.slice(0, -1);
}

/** The releases of MAAS that the stand-in supports. */
export type VersionName = "3.5" | "3.6" | "3.7" | "3.8";

/** The differences between releases of MAAS that concern the stand-in. */
export interface Version {
  readonly name: VersionName;
  /** The answer of `version/`. */
  readonly full: string;
  /**
   * Whether timestamps are marked as UTC: `USE_TZ` since 3.6. Before that they are local time without a mark.
   */
  readonly zonedTimestamps: boolean;
  /** The default series for commissioning. */
  readonly commissioningSeries: "jammy" | "noble";
  /** The error if the images of the commissioning series would be deleted. Undefined if that is allowed. */
  readonly commissioningSelectionStays: ((os: string, release: string) => string) | undefined;
  /** Access to boot sources depends on a permission, checked after the signature, and not on the resource. */
  readonly permissions: boolean;
  /**
   * Boot sources have a name, a priority and a switch. Their URLs have no slash at the end. Their images are deleted with
   * them. Each save fetches them again, and each failed fetch makes a notification.
   */
  readonly namedSources: boolean;
  /** Setting the proxy starts a new fetch of the boot sources. */
  readonly proxyRefreshesSources: boolean;
  /** Whether TLS verifies the server of an image's files. */
  readonly verifiesImageHosts: boolean;
  /** A refused upload leaves nothing. In older releases an image without a version remains. */
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

/** Source: MAAS 3.5.13 and 3.6.5 were run; for 3.7 and 3.8 their source code was read. */
export const versions: Readonly<Record<VersionName, Version>> = {
  "3.5": {
    ...upTo37,
    name: "3.5",
    full: "3.5.13",
    zonedTimestamps: false,
    commissioningSeries: "jammy",
    undoesRefusedUploads: false,
    commissioningSelectionStays: () => ephemeral, // MAAS does not fill in the names
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

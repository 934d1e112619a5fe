/** A file of a suite's metadata, with its signed size and digest. */
export interface MetadataFile {
  /** Below the archive's root. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Path of these bytes upstream. A by-hash path, if there is one, stays valid when upstream updates meanwhile. */
  readonly from: string;
}

/** A signed file, or the file of its signature. */
export interface RootFile extends MetadataFile {
  readonly bytes: Buffer;
}

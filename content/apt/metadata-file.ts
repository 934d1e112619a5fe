/** A file of a suite's metadata, as upstream signed it. */
export interface MetadataFile {
  /** Below the archive's root. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Where upstream has these bytes. A name by hash lasts when upstream moves on meanwhile, where there is one. */
  readonly from: string;
}

/** A file that upstream signs, or that has its signature. */
export interface RootFile extends MetadataFile {
  readonly bytes: Buffer;
}

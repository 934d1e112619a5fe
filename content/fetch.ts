/** What is known of a file before it is fetched. */
export interface Expected {
  /** Bytes after which the transfer is to be given up: one more than the file can rightly have. */
  readonly maximum: number;
  readonly size?: number;
  readonly sha256?: string;
}

/** Fetches a file by its path below upstream's root; rejects when it is not there. */
export type Fetch = (path: string, expected: Expected) => Promise<Buffer>;

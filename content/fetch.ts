import { ExplainedError } from "../errors/explained-error.ts";

/** What is known of a file before it is fetched. */
export interface Expected {
  /** Bytes after which the transfer is to be given up: one more than the file can rightly have. */
  readonly maximum: number;
}

/** Fetches a file by its path below upstream's root; rejects with `NotThere` when upstream says that it has none. */
export type Fetch = (path: string, expected: Expected) => Promise<Buffer>;

/** Upstream has no such file. Whoever can do without it must not take any other failure, which may pass, for this one. */
export class NotThere extends ExplainedError {
  override readonly name = "NotThere";
}

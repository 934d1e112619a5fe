import { ExplainedError } from "../errors/explained-error.ts";

/** The known facts about a file before it is fetched. */
export interface Expected {
  /** Bytes after which the transfer is ended: one more than the file may have. */
  readonly maximum: number;
}

/**
 * Fetches a file by its path below upstream's root; rejects with `NotFound` if upstream answers that it does not
 * exist.
 */
export type Fetch = (path: string, expected: Expected) => Promise<Buffer>;

/**
 * Upstream has no such file. A caller that does not need the file must catch only this error: other failures may be
 * temporary.
 */
export class NotFound extends ExplainedError {
  override readonly name = "NotFound";
}

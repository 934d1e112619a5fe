import { ExplainedError } from "../../errors/explained-error.ts";
import { amountOf } from "../sizes.ts";

/**
 * Maximum bytes of all indices of a lookup, uncompressed: over ten times those of Ubuntu's four components with
 * pockets.
 */
const defaultIndexLimit = 1024 * 1024 * 1024;

/** The minimum that a stanza counts: a package takes memory even if its stanza is short. */
const minimumPerStanza = 1024;

/**
 * Limits the size of all indices of one lookup, uncompressed: a signed file of a few MiB can expand to more than the
 * memory of a workstation.
 */
export class IndexBudget {
  readonly #limit: number;
  #spent = 0;

  constructor(limit = defaultIndexLimit) {
    this.#limit = limit;
  }

  /** Checks the size of one file. @throws ExplainedError when it exceeds the limit */
  allow(bytes: number, file: string): void {
    if (bytes > this.#limit - this.#spent) throw this.#refuse(file);
  }

  /** Counts bytes. @throws ExplainedError when the total exceeds the limit */
  spend(bytes: number, file: string): void {
    this.#spent += bytes;
    if (this.#spent > this.#limit) throw this.#refuse(file);
  }

  #refuse(file: string): ExplainedError {
    return new ExplainedError({
      step: `reading ${file}`,
      found: `the indices of this mirror have more than ${amountOf(this.#limit)} uncompressed, which is the limit`,
      remedy:
        "Remove components, suites or architectures. If upstream really is so large, raise upstream.indexLimitMiB; this workstation then needs up to that much memory.",
      values: ["upstream.indexLimitMiB"],
    });
  }

  /** Counts the difference between a stanza's bytes, which are counted already, and its minimum. */
  spendStanza(bytes: number, file: string): void {
    if (bytes < minimumPerStanza) this.spend(minimumPerStanza - bytes, file);
  }
}

import { ExplainedError } from "../../errors/explained-error.ts";
import { amountOf } from "../sizes.ts";

/** Bytes that all indices of a lookup may have unpacked: over ten times those of Ubuntu's four components with pockets. */
const defaultIndexLimit = 1024 * 1024 * 1024;

/** What a stanza counts for at least: a package takes memory, however short its stanza is. */
const leastPerStanza = 1024;

/**
 * How much the indices of one lookup may unpack to, all together: a few MiB that somebody signed can unpack to more
 * than a workstation has.
 */
export class IndexBudget {
  readonly #limit: number;
  #spent = 0;

  constructor(limit = defaultIndexLimit) {
    this.#limit = limit;
  }

  /** Whether a file of so many bytes may be read at all. @throws ExplainedError when it is larger than all may be */
  allow(bytes: number, file: string): void {
    if (bytes > this.#limit - this.#spent) throw this.#refuse(file);
  }

  /** Counts bytes. @throws ExplainedError when there are more than may be */
  spend(bytes: number, file: string): void {
    this.#spent += bytes;
    if (this.#spent > this.#limit) throw this.#refuse(file);
  }

  #refuse(file: string): ExplainedError {
    return new ExplainedError({
      step: `reading ${file}`,
      found: `the indices of this mirror come to more than ${amountOf(this.#limit)} unpacked, which is as much as is read`,
      remedy:
        "Leave out components, suites or architectures. If upstream really is so large, raise upstream.indexLimitMiB; this workstation then needs up to that much memory.",
      values: ["upstream.indexLimitMiB"],
    });
  }

  /** Counts what a stanza of so many bytes, which are counted already, takes beyond them. */
  spendStanza(bytes: number, file: string): void {
    if (bytes < leastPerStanza) this.spend(leastPerStanza - bytes, file);
  }
}

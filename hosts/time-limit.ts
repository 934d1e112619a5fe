/**
 * A limit for the time in which something must arrive. Node runs timers before it reads sockets: when the process was
 * busy, what arrived meanwhile is read before the limit counts as exceeded.
 */
export class TimeLimit {
  readonly #timer: NodeJS.Timeout;
  #reading: NodeJS.Immediate | undefined;

  /** @param exceeded Called once, unless the limit is refreshed or ended before. */
  constructor(milliseconds: number, exceeded: () => void) {
    this.#timer = setTimeout(() => {
      this.#reading = setImmediate(exceeded);
    }, milliseconds);
  }

  /** Begins the time again. */
  refresh(): void {
    clearImmediate(this.#reading);
    this.#timer.refresh();
  }

  end(): void {
    clearImmediate(this.#reading);
    clearTimeout(this.#timer);
  }
}

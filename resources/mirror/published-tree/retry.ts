/** Waits for the given number of milliseconds. */
export type Pause = (milliseconds: number) => Promise<unknown>;

/**
 * Delays before retries: milliseconds before the second, the third and the fourth attempt. The preview's reads and the
 * host's fetches use the same: 1, 3 and 10 s if a transfer stalls after 30.
 */
export function retryDelays(stallSeconds: number): readonly number[] {
  return [30, 10, 3].map((part) => Math.round((stallSeconds * 1000) / part));
}

/** A stalled transfer is retried once only: each attempt costs as long as the stall. */
export const attemptsOfStalled = 2;

/** Whether a server's answer may change soon (RFC 9110, 15.6; RFC 6585, 4). */
export function isTransient(status: number): boolean {
  return [408, 425, 429].includes(status) || (status >= 500 && ![501, 505, 511].includes(status));
}

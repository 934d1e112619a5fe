/** Waits for so many milliseconds. */
export type Pause = (milliseconds: number) => Promise<unknown>;

/**
 * How long to wait before what may pass is tried again: milliseconds before the second, the third and the fourth try. The
 * preview's reads and the host's fetches have the same: 1, 3 and 10 s where a transfer stalls after 30.
 */
export function retryDelays(stallSeconds: number): readonly number[] {
  return [30, 10, 3].map((part) => Math.round((stallSeconds * 1000) / part));
}

/** What stalled is tried once more and no further: each try costs as long as the stall. */
export const attemptsOfStalled = 2;

/** Whether a server's answer may be another one soon (RFC 9110, 15.6; RFC 6585, 4). */
export function isTransient(status: number): boolean {
  return [408, 425, 429].includes(status) || (status >= 500 && ![501, 505, 511].includes(status));
}

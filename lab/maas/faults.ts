/** What can be made to go wrong while the stand-in runs. Nothing of this is MAAS's: it is there for tests. */
export interface Faults {
  /** Seconds that each answer takes. */
  slow: number;
  /** Milliseconds since 1970 until which a web server in front answers 502, as while MAAS restarts. */
  badGatewayUntil: number;
  /** Seconds that the server's clock is ahead. */
  clockOffset: number;
  /** No room for images: what is uploaded or imported cannot be written. */
  diskFull: boolean;
}

export function noFaults(): Faults {
  return { slow: 0, badGatewayUntil: 0, clockOffset: 0, diskFull: false };
}

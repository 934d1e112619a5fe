/** The faults that a test can set while the stand-in runs. MAAS has no such interface. */
export interface Faults {
  /** Delay of each answer, in seconds. */
  slow: number;
  /** Milliseconds since 1970. Until then a web server in front answers 502, as while MAAS restarts. */
  badGatewayUntil: number;
  /** The number of seconds by which the server's clock is ahead. */
  clockOffset: number;
  /** The disk is full: uploads and imports cannot be written. */
  diskFull: boolean;
}

export function noFaults(): Faults {
  return { slow: 0, badGatewayUntil: 0, clockOffset: 0, diskFull: false };
}

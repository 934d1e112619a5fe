/** Time limits for operations of MAAS. Milliseconds. */
export interface Limits {
  /** From the last change of a source until its index is read, including time-outs of other sources. */
  readonly refreshMs: number;
  /** The same while there are unreachable sources; after it they are deleted, and `refreshMs` applies. */
  readonly refreshBesideDeadMs: number;
  /** The same when the previous sources are restored: they are often unreachable now. */
  readonly putBackMs: number;
  /** The same for the index of our mirror when it stands in for an unreachable source. */
  readonly selectUnreachableMs: number;
  /** Between two checks of an import; the first ones are more frequent. */
  readonly pollMs: number;
  /** How long nothing may be imported while images are missing, before the import counts as ended. */
  readonly restMs: number;
  /** How long an import may run without progress of any image. */
  readonly stallMs: number;
}

export const defaultLimits: Limits = {
  refreshMs: 240_000,
  refreshBesideDeadMs: 60_000,
  putBackMs: 20_000,
  selectUnreachableMs: 60_000,
  pollMs: 5000,
  restMs: 20_000,
  stallMs: 1_800_000,
};

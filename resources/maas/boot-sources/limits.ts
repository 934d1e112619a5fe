/** Milliseconds that MAAS is given for what it does by itself. */
export interface Limits {
  /** From the last change of a source until its index is read: other sources' time-outs are in it. */
  readonly refreshMs: number;
  /** The same while sources are there that cannot be reached; after it they go, and MAAS is given `refreshMs`. */
  readonly refreshBesideDeadMs: number;
  /** The same when what was there before is put back: often it cannot be reached any more. */
  readonly putBackMs: number;
  /** The same for the index of our mirror, from which a source is selected whose own cannot be reached. */
  readonly selectUnreachableMs: number;
  /** Between two looks at an import; the first ones follow each other faster. */
  readonly pollMs: number;
  /** How long nothing may be imported while images are missing, before that is taken for the end of the import. */
  readonly restMs: number;
  /** How long an import may go on without any image coming further. */
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

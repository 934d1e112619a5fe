/** A file of a plan with its package, once for every suite that has it. */
export interface PlanRow {
  /** Below the archive's root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly package?: PlanPackage;
}

export interface PlanPackage {
  readonly suite: string;
  readonly component: string;
  /** Also `all` or `source`. */
  readonly architecture: string;
  readonly name: string;
  readonly version: string;
}

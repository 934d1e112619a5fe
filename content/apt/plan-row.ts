/** A file of a plan, and the package it is, once for every suite that has it. */
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
  /** `all` and `source` too. */
  readonly architecture: string;
  readonly name: string;
  readonly version: string;
}

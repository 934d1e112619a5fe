/** What MAAS is to take from a boot source. It allows one for each os and release of a source. */
export interface MaasSelection {
  readonly os: string;
  readonly release: string;
  /** `["*"]` is all of them. Names have to be in the source's index as MAAS read it. */
  readonly arches: readonly string[];
  /** `["*"]` is all; an empty list matches nothing, and an import then deletes what the release has. */
  readonly subarches: readonly string[];
  /** As `subarches`. */
  readonly labels: readonly string[];
}

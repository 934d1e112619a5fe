/** Which packages a re-signed mirror takes. Neither `include` nor `sections`: all. */
export interface PackageFilter {
  /** Names, or patterns with `*`, `?` and `[...]`. */
  readonly include?: readonly string[];
  /** Names or patterns that are never taken, not as a dependency either. */
  readonly exclude?: readonly string[];
  /** Sections, e.g. `admin`; `universe/admin` is the same. */
  readonly sections?: readonly string[];
  /**
   * Whether what the chosen ones need (Depends, Pre-Depends) is taken too. Essential packages that
   * nothing names are not: a machine that was deployed has them. Include them to have their updates.
   * @default true
   */
  readonly withDependencies?: boolean;
  /** Whether what they recommend is taken too, as apt installs it by default. @default true */
  readonly withRecommends?: boolean;
}

/** Whether a name matches one of some names and patterns. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns);
  const expressions = patterns.filter((pattern) => /[*?[]/.test(pattern)).map(expressionOf);
  return (name) => exact.has(name) || expressions.some((expression) => expression.test(name));
}

function expressionOf(pattern: string): RegExp {
  const source = pattern.replace(/\[[A-Za-z0-9_~+.-]+\]|[\s\S]/g, (part) => {
    if (part === "*") return ".*";
    if (part === "?") return ".";
    return part.length > 1 ? part : part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${source}$`);
}

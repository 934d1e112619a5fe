import { ExplainedError } from "../../errors/explained-error.ts";

/** Which packages a mirror with its own signature contains. Without `include` and `sections`: all. */
export interface PackageFilter {
  /** Names, or patterns with `*`, `?` and `[...]`. */
  readonly include?: readonly string[];
  /** Names or patterns that are never included, not even as a dependency. */
  readonly exclude?: readonly string[];
  /** Sections, e.g. `admin`; `universe/admin` is the same. */
  readonly sections?: readonly string[];
  /**
   * Whether to include dependencies (Depends, Pre-Depends). Essential packages that no field names are not included: a
   * deployed machine has them. Include them by name to get their updates. @default true
   */
  readonly withDependencies?: boolean;
  /** Whether to include recommended packages, as apt installs them by default. @default true */
  readonly withRecommends?: boolean;
}

/** Whether a filter selects only some packages; their dependencies follow from these. */
export function selects({ include = [], sections = [] }: PackageFilter = {}): boolean {
  return include.length > 0 || sections.length > 0;
}

/** Whether a name matches one of the names or patterns. */
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

/**
 * Refuses names, patterns and sections that match nothing. The error lists all of them.
 *
 * @throws ExplainedError
 */
export function refuseUnmatched(
  { include = [], sections = [] }: PackageFilter,
  names: ReadonlySet<string>,
  knownSections: ReadonlySet<string>,
): void {
  const matched = (pattern: string) => names.has(pattern) || [...names].some(matcher([pattern]));
  const lacking = [
    ...include.filter((pattern) => !matched(pattern)).map((pattern) => ({ pattern, of: "include" })),
    ...sections
      .filter((section) => !knownSections.has(section.replace(/^.*\//, "")))
      .map((pattern) => ({ pattern, of: "sections" })),
  ];
  if (lacking.length === 0) return;
  const of = (argument: string) => {
    const list = lacking.filter((one) => one.of === argument).map(({ pattern }) => pattern);
    return list.length > 0
      ? [`${argument}: ${list.join(", ")} ${list.length > 1 ? "match" : "matches"} no package of the suites`]
      : [];
  };
  throw new ExplainedError({
    step: "selecting packages",
    found: [...of("include"), ...of("sections")].join("; "),
    remedy:
      lacking.length > 1
        ? "Correct the names, or add the suites or components that have them."
        : "Correct the name, or add the suite or component that has it.",
    values: [...new Set(lacking.map(({ of: argument }) => `filter.${argument}`))],
  });
}

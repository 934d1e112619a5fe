/** The data of a test file that determine its place in the order. */
interface TestFile {
  readonly path: string;
  readonly context: { readonly hasteFS: { getSize(path: string): number | null } };
}

/**
 * A Jest sequencer: the longest tests start first, so that all processors have work until the end. The order is: tests that
 * interrupt updates at many moments, tests of bad upstreams and inputs, other life cycles, all others. Within each group the
 * largest file is first.
 */
export default class LongestFirst {
  sort(tests: readonly TestFile[]): TestFile[] {
    const first = ["/test/e2e/interrupted-", "/test/e2e/bad-", "/test/e2e/", ""];
    const rank = ({ path }: TestFile) => first.findIndex((part) => path.includes(part));
    const size = ({ path, context }: TestFile) => context.hasteFS.getSize(path) ?? 0;
    return [...tests].sort((one, other) => rank(one) - rank(other) || size(other) - size(one));
  }

  /** Durations are not stored, so the order is the same on every machine. */
  cacheResults(): void {}
}

/** Of a test file, what its place in the order depends on. */
interface TestFile {
  readonly path: string;
  readonly context: { readonly hasteFS: { getSize(path: string): number | null } };
}

/**
 * A Jest sequencer: what takes longest begins first, so that no processor waits for it in the end. First are
 * the files that end updates at many moments, then those that wait for something bad, then other life cycles; within each,
 * the largest file.
 */
export default class LongestFirst {
  sort(tests: readonly TestFile[]): TestFile[] {
    const first = ["/test/e2e/interrupted-", "/test/e2e/bad-", "/test/e2e/", ""];
    const rank = ({ path }: TestFile) => first.findIndex((part) => path.includes(part));
    const size = ({ path, context }: TestFile) => context.hasteFS.getSize(path) ?? 0;
    return [...tests].sort((one, other) => rank(one) - rank(other) || size(other) - size(one));
  }

  /** Durations of a run are not kept: the order is the same on every machine. */
  cacheResults(): void {}
}

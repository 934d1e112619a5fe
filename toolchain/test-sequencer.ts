/** Of a test file, what its place in the order depends on. */
interface TestFile {
  readonly path: string;
  readonly context: { readonly hasteFS: { getSize(path: string): number | null } };
}

/**
 * A Jest sequencer: what takes longest begins first, so that no processor waits for it in the end. Files that end
 * updates at many moments take ten minutes and are of the usual size; of the others size tells.
 */
export default class LongestFirst {
  sort(tests: readonly TestFile[]): TestFile[] {
    const rank = ({ path }: TestFile) => (path.includes("/interrupted-") ? 0 : 1);
    const size = ({ path, context }: TestFile) => context.hasteFS.getSize(path) ?? 0;
    return [...tests].sort((one, other) => rank(one) - rank(other) || size(other) - size(one));
  }

  /** Durations of a run are not kept: the order is the same on every machine. */
  cacheResults(): void {}
}

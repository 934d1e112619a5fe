/** The steps of `make lint`, `npm run lint` and the first phase of test-all.ts, in this order. */
export const lintSteps: readonly (readonly [program: string, ...string[]])[] = [
  ["biome", "check", "."],
  ["tsc", "--noEmit"],
  ["node", "toolchain/check-scripts.ts"],
];

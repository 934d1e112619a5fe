/** What `make lint`, `npm run lint` and the first phase of test-all.ts run, in this order. */
export const lintSteps: readonly (readonly [program: string, ...string[]])[] = [
  ["biome", "check", "."],
  ["tsc", "--noEmit"],
  ["node", "toolchain/check-scripts.ts"],
];

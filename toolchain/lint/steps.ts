/** The steps of `make lint`, `npm run lint` and the first phase of `make test`, in this order. */
export const lintSteps: readonly (readonly [program: string, ...string[]])[] = [
  ["biome", "check", "."],
  ["tsc", "--noEmit"],
  ["node", "toolchain/lint/check-scripts.ts"],
];

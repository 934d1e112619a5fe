// The sources run as they are: ES modules in TypeScript, so the tests transform types away and nothing else.
export default {
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2024", parser: { syntax: "typescript" } }, module: { type: "es6" } },
    ],
  },
  // Kept with all else that is cached: what was transformed once is not again, in this clone.
  cacheDirectory: "<rootDir>/.cache/jest",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/.cache/", "/.lab/"],
  modulePathIgnorePatterns: ["<rootDir>/.cache/", "<rootDir>/.lab/"],
  // Contract tests start processes; on a machine with much to do that takes its time.
  testTimeout: 120_000,
  resolver: "<rootDir>/toolchain/testing/jest-resolver.ts",
  testSequencer: "<rootDir>/toolchain/testing/sequencer.ts",
  collectCoverageFrom: ["{components,content,errors,hosts,maas,resources,site,toolchain,values}/**/*.ts"],
  coverageDirectory: ".cache/coverage",
};

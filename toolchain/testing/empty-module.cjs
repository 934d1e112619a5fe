// See jest-resolver.ts.
module.exports = { __esModule: true };

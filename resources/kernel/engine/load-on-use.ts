/*
 * Loads TypeScript and npm's dependency tree when they are used. The SDK loads both at its start, to serialize functions.
 * This project does not serialize: the state refers to its code by one line. Without them a process of the SDK starts
 * in two thirds of the time, and every command starts several.
 */
import { registerHooks } from "node:module";

const packages = new Set(["typescript", "@npmcli/arborist"]);
const mark = "?on-use";

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const bySdk = context.parentURL?.includes("/@pulumi/pulumi/");
    return bySdk && packages.has(specifier) ? { ...found, url: `${found.url}${mark}` } : found;
  },
  load(url, context, next) {
    if (!url.endsWith(mark)) return next(url, context);
    // In the module's own place in the cache, until the module itself takes it.
    const source = `
      const { onUse } = require(${JSON.stringify(import.meta.filename)});
      module.exports = onUse(() => {
        delete require.cache[__filename];
        return require(__filename);
      });
    `;
    return { format: "commonjs", source, shortCircuit: true };
  },
});

type Exports = Readonly<Record<PropertyKey, unknown>>;

/** The exports of a CommonJS module, which is loaded at the first use of one of them. */
export function onUse(load: () => Exports): Exports {
  let loaded: Exports | undefined;
  const real = () => {
    loaded ??= load();
    return loaded;
  };
  return new Proxy<Exports>(
    {},
    {
      // Otherwise the SDK copies all exports at once (__importStar).
      get: (_, key) =>
        key === "__esModule" ? true : key === "default" ? (real().default ?? real()) : real()[key],
      has: (_, key) => key in real(),
      ownKeys: () => Reflect.ownKeys(real()),
      getOwnPropertyDescriptor: (_, key) => {
        const found = Reflect.getOwnPropertyDescriptor(real(), key);
        // A proxy may not have fixed properties that its target does not have.
        return found && { ...found, configurable: true };
      },
    },
  );
}

/*
 * Loads TypeScript and npm's dependency tree when they are used. The SDK loads both at its start, to serialize functions.
 * This project does not serialize: the state refers to its code by one line. Without them a process of the SDK starts
 * in two thirds of the time, and every command starts several.
 *
 * source-map-support is not loaded at all. The SDK takes a stack trace for every resource and promise, and it rewrites each of
 * them, which is a tenth of the time of a program. Node runs our sources without a build, so their lines are right without it.
 */
import { registerHooks } from "node:module";
import { serializationModules } from "./serialization-modules.ts";

const neverUsed = new Set(["source-map-support/register"]);
const mark = { onUse: "?on-use", never: "?never" } as const;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (!context.parentURL?.includes("/@pulumi/pulumi/")) return found;
    if (serializationModules.has(specifier)) return { ...found, url: `${found.url}${mark.onUse}` };
    if (neverUsed.has(specifier)) return { ...found, url: `${found.url}${mark.never}` };
    return found;
  },
  load(url, context, next) {
    if (url.endsWith(mark.never)) return { format: "commonjs", source: "", shortCircuit: true };
    if (!url.endsWith(mark.onUse)) return next(url, context);
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

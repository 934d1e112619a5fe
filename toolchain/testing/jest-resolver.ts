import { join } from "node:path";
import { serializationModules } from "../../resources/kernel/engine/serialization-modules.ts";

interface ResolverOptions {
  /** The directory of the module that requests another. */
  readonly basedir: string;
  readonly defaultResolver: (request: string, options: ResolverOptions) => string;
}

/**
 * A Jest resolver: the SDK gets an empty module instead of TypeScript and npm's dependency tree. Jest loads the SDK again for
 * each test file, the two take most of that time, and the SDK uses them only to serialize functions. The processes that the
 * CLI starts have `resources/kernel/engine/load-on-use.ts` for this.
 */
export function sync(request: string, options: ResolverOptions): string {
  if (serializationModules.has(request) && options.basedir.includes("/node_modules/@pulumi/pulumi"))
    return emptyModule;
  return options.defaultResolver(request, options);
}

const emptyModule = join(import.meta.dirname, "empty-module.cjs");

import v8 from "node:v8";

/**
 * Gives memory back between steps that take much each, and nothing of what the one before left behind. `gc` is a function by
 * Pulumi.yaml's nodeargs.
 */
export function collectGarbage(): void {
  const { used_heap_size: objects, external_memory: buffers } = v8.getHeapStatistics();
  // Of less it is not worth the time: the SDK alone has 90 MB.
  if (objects + buffers > 130e6) globalThis.gc?.();
}

import v8 from "node:v8";

/** Frees memory between steps that need much of it. `gc` exists because of nodeargs in Pulumi.yaml. */
export function collectGarbage(): void {
  const { used_heap_size: objects, external_memory: buffers } = v8.getHeapStatistics();
  // Below this it is not worth the time: the SDK alone has 90 MB.
  if (objects + buffers > 130e6) globalThis.gc?.();
}

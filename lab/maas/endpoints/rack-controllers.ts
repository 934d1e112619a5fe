import { json, notFound } from "../answers.ts";
import type { Resource } from "../resource.ts";

/**
 * Racks fetch images from the region without a request: 3.6.5 has no operation any more that starts a fetch.
 */
export const rackControllerResources: readonly Resource[] = [
  {
    path: "rackcontrollers/",
    access: "users",
    GET: () => json([]),
    operations: { POST: {} },
  },
  {
    path: "rackcontrollers/{system_id}/",
    access: "users",
    GET: () => {
      throw notFound("RackController"); // the stand-in has no racks
    },
    operations: { POST: {} },
  },
];

import { json, notFound } from "../answers.ts";
import type { Resource } from "../resource.ts";

/** Racks fetch images from the region by themselves: 3.6.5 was seen to know no operation any more that asks them to. */
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
      throw notFound("RackController"); // there is none
    },
    operations: { POST: {} },
  },
];

import { answer, notFound } from "../answers.ts";
import { adminMethod, type Resource } from "../resource.ts";

/** Racks fetch images from the region by themselves: asking them to has done nothing since 3.5. */
const importBootImages = adminMethod(() => answer(202, "text/plain; charset=utf-8", "Accepted"));

export const rackControllerResources: readonly Resource[] = [
  {
    path: "rackcontrollers/",
    access: "users",
    operations: { POST: { import_boot_images: importBootImages } },
  },
  {
    path: "rackcontrollers/{system_id}/",
    access: "users",
    GET: () => {
      throw notFound("RackController"); // there is none
    },
  },
];

import type { Resource } from "../resource.ts";
import { bootResourceResources } from "./boot-resources.ts";
import { bootSourceResources } from "./boot-sources.ts";
import { rackControllerResources } from "./rack-controllers.ts";
import { selectionResources } from "./selections.ts";

/** Every path of the API that there is here. */
export const resources: readonly Resource[] = [
  ...bootSourceResources,
  ...selectionResources,
  ...bootResourceResources,
  ...rackControllerResources,
];

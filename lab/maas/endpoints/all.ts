import type { Resource } from "../resource.ts";
import { bootSourceResources } from "./boot-sources.ts";

/** Every path of the API that there is here. */
export const resources: readonly Resource[] = [...bootSourceResources];

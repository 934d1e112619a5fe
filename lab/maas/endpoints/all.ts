import type { Resource } from "../resource.ts";
import { bootResourceResources } from "./boot-resources.ts";
import { bootSourceResources } from "./boot-sources.ts";
import { configResources } from "./config.ts";
import { describeResource } from "./describe.ts";
import { dnsResourceResources } from "./dns-resources.ts";
import { domainResources } from "./domains.ts";
import { notificationResources } from "./notifications.ts";
import { packageRepositoryResources } from "./package-repositories.ts";
import { rackControllerResources } from "./rack-controllers.ts";
import { selectionResources } from "./selections.ts";
import { userResources } from "./users.ts";
import { versionResources } from "./version.ts";

const described: readonly Resource[] = [
  ...bootResourceResources,
  ...bootSourceResources,
  ...configResources,
  ...dnsResourceResources,
  ...domainResources,
  ...notificationResources,
  ...packageRepositoryResources,
  ...rackControllerResources,
  ...selectionResources,
  ...userResources,
  ...versionResources,
];

/** Every path of the API that the stand-in has. */
export const resources: readonly Resource[] = [...described, describeResource(described)];

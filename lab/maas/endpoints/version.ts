import { jsonLine } from "../answers.ts";
import type { Resource } from "../resource.ts";

/** maasserver/api/version.py: the release of MAAS, readable without a signature. */
export const versionResources: readonly Resource[] = [
  {
    path: "version/",
    access: "anybody",
    GET: ({ maas }) => jsonLine({ capabilities, version: maas.version.full, subversion: "" }),
  },
];

const capabilities = [
  "networks-management",
  "static-ipaddresses",
  "ipv6-deployment-ubuntu",
  "devices-management",
  "storage-deployment-ubuntu",
  "network-deployment-ubuntu",
  "bridging-interface-ubuntu",
  "bridging-automatic-ubuntu",
  "authenticate-api",
];

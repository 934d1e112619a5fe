import { json } from "../answers.ts";
import type { Resource } from "../resource.ts";

/**
 * maasserver/api/doc_handler.py: the API's description, readable without a signature. The stand-in has only the paths and
 * methods that it supports, without their documentation.
 */
export function describeResource(others: readonly Resource[]): Resource {
  const methods = ["GET", "POST", "PUT", "DELETE"] as const;
  return {
    path: "describe/",
    access: "anybody",
    GET: () =>
      json({
        doc: "MAAS API",
        resources: others.map((resource) => ({
          name: resource.path,
          auth: {
            path: `/MAAS/api/2.0/${resource.path}`,
            actions: methods.flatMap((method) => (resource[method] ? [{ method, op: null }] : [])),
          },
        })),
      }),
  };
}

import { json } from "../answers.ts";
import type { Resource } from "../resource.ts";

/**
 * maasserver/api/doc_handler.py: the API's description, for anybody. Of what it holds only the paths and methods that there
 * are here, without a word about them.
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

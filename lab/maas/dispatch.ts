import { createHash } from "node:crypto";
import { type Answer, answer, badRequest, forbidden, Refusal, text } from "./answers.ts";
import type { Maas } from "./maas.ts";
import { type Request, submissionOf } from "./request.ts";
import { bootPermissionMissing, type Handler, type Resource } from "./resource.ts";
import type { User } from "./state.ts";

const base = "/MAAS/api/2.0/";

/** Answers requests in the order of MAAS's layers: URL table, django-piston, middleware. */
export function dispatcher(maas: Maas, resources: readonly Resource[]) {
  const routes = resources.map((resource) => ({ resource, pattern: patternOf(resource.path) }));
  // In MAAS this is the hash of the API's description. Clients only compare it.
  const hash = createHash("sha1")
    .update(resources.map(({ path }) => path).join())
    .digest("hex");

  return async (request: Request): Promise<Answer> => {
    if (request.path.startsWith("/MAAS/api/1.0/")) {
      return answer(410, "text/plain", "The 1.0 API is no longer available. Please use API version 2.0.");
    }
    for (const { resource, pattern } of routes) {
      const match = pattern.exec(request.path);
      if (match === null) continue;
      const { op, ...params } = match.groups ?? {};
      const vary = resource.access === "anybody" ? "Authorization" : "Authorization, Cookie";
      const byResource = { Vary: vary, "X-MAAS-API-Hash": hash };
      try {
        return withHeaders(await call(maas, resource, request, params, op), byResource);
      } catch (error) {
        if (!(error instanceof Refusal)) {
          // Any other exception is a fault of the stand-in. MAAS answers its own faults in the same way.
          process.stderr.write(`${request.method} ${request.path}: ${(error as Error).stack}\n`);
          return withHeaders(text((error as Error).message, 500), { Vary: "Cookie" });
        }
        return withHeaders(
          error.answer,
          error.caught === "by the resource" ? byResource : { Vary: "Cookie" },
        );
      }
    }
    return text(`Unknown API endpoint: ${request.path}.`, 404);
  };
}

async function call(
  maas: Maas,
  resource: Resource,
  request: Request,
  params: Record<string, string>,
  pathOperation: string | undefined,
): Promise<Answer> {
  const { method, query } = request;
  const user = resource.access === "anybody" ? undefined : signedBy(maas, resource, request);
  const writes = method === "POST" || method === "PUT";
  const data = writes ? await submissionOf(request) : undefined;
  const allowed = methodsOf(resource);
  if (!allowed.includes(method)) {
    return withHeaders(answer(405, "text/html; charset=utf-8", ""), { Allow: allowed.join(", ") });
  }
  const format = query.get("format");
  const operation =
    pathOperation ?? (query.get("op") || (method === "POST" ? formOperation(request, data) : undefined));
  const handler = handlerOf(resource, method, operation);
  if (handler === undefined) {
    throw badRequest(`Unrecognised signature: method=${method} op=${operation || "None"}`);
  }
  const result = await handler({ maas, user, params, query, data, body: request.body });
  if (format !== null && format !== "json") {
    return answer(400, "text/plain", `Invalid output format specified '${format}'.`);
  }
  return result;
}

/** The user who signed the request. Throws the answer of MAAS if the user has no access. */
function signedBy(maas: Maas, resource: Resource, request: Request): User | undefined {
  const key = maas.signatures.keyOf(request);
  const user = key && maas.userNamed(key.username);
  if (resource.access === "boot" && !maas.version.permissions) {
    // This resource does not request a signature: without one, the answer is the same as for a user without
    // access.
    if (user?.isAdmin !== true) throw forbidden("User is not allowed access to this API.");
    return user;
  }
  if (user === undefined) throw new Refusal(answer(401, "text/plain", "Forbidden"), "by the resource");
  if (resource.access === "boot" && !user.isAdmin) {
    throw bootPermissionMissing();
  }
  return user;
}

function formOperation(request: Request, data: Awaited<ReturnType<typeof submissionOf>>): string | undefined {
  if (request.contentType.includes("json") || request.contentType.includes("yaml")) return undefined;
  const value = data?.values.get("op")?.one;
  return typeof value === "string" ? value : undefined;
}

function handlerOf(resource: Resource, method: string, operation: string | undefined): Handler | undefined {
  if (operation) {
    if (method !== "GET" && method !== "POST") return undefined;
    return resource.operations?.[method]?.[operation];
  }
  return resource[method as "GET" | "POST" | "PUT" | "DELETE"];
}

function methodsOf(resource: Resource): string[] {
  return (["GET", "POST", "PUT", "DELETE"] as const).filter(
    (method) =>
      resource[method] !== undefined ||
      (method !== "PUT" && method !== "DELETE" && resource.operations?.[method] !== undefined),
  );
}

/** The pattern of a path such as `boot-sources/{id}/`: the path, with or without an operation after it. */
function patternOf(path: string): RegExp {
  const parts = path.split(/\{(\w+)\}/).map((part, index) => (index % 2 === 0 ? part : `(?<${part}>[^/]+)`));
  return new RegExp(`^${base}${parts.join("")}(?:op-(?<op>[\\w-]+))?$`);
}

function withHeaders(given: Answer, headers: Readonly<Record<string, string>>): Answer {
  return { ...given, headers: { ...given.headers, ...headers } };
}

import { type Answer, bug, forbidden, type Refusal } from "./answers.ts";
import type { Maas } from "./maas.ts";
import type { User } from "./state.ts";
import type { Submission } from "./submission.ts";

/** A request that has come through to its handler. */
export interface Call {
  readonly maas: Maas;
  /** Undefined only where anybody may ask. */
  readonly user: User | undefined;
  /** The variable parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Of a POST or PUT; undefined where its content type is unknown to MAAS. */
  readonly data: Submission | undefined;
  /** The bytes of the body as they came. */
  readonly body: Buffer;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;

/** A path of the API and what can be done there. */
export interface Resource {
  /** Below `/MAAS/api/2.0/`, with `{name}` for what varies, e.g. `boot-sources/{id}/`. */
  readonly path: string;
  /** `boot` is what administrators alone may even see; how it says so depends on the release. */
  readonly access: "anybody" | "users" | "boot";
  readonly GET?: Handler;
  readonly POST?: Handler;
  readonly PUT?: Handler;
  readonly DELETE?: Handler;
  /** Operations, by method and name: `{ POST: { import: ... } }`. */
  readonly operations?: {
    readonly GET?: Readonly<Record<string, Handler>>;
    readonly POST?: Readonly<Record<string, Handler>>;
  };
}

/** A method that users see refused, where they may use the others of its resource. */
export function adminMethod(handler: Handler): Handler {
  return (call) => {
    if (call.user?.isAdmin !== true) throw forbidden("This method is reserved for admin users.");
    return handler(call);
  };
}

/** The same of what is about boot images, for which newer releases ask for a permission. */
export function bootAdminMethod(handler: Handler): Handler {
  return (call) => {
    if (!call.maas.version.permissions) return adminMethod(handler)(call);
    if (call.user?.isAdmin !== true) throw bootPermissionMissing();
    return handler(call);
  };
}

/** 403 for those who may not change boot sources and images, where that is a permission. */
export function bootPermissionMissing(): Refusal {
  return forbidden(
    "User does not have permission to perform this operation. The user should have permission 'can_edit_boot_entities'",
  );
}

/** A number in a path. Anything else is more than MAAS's database can take. */
export function idIn(call: Call, name = "id"): number {
  const text = call.params[name] ?? "";
  if (!/^-?\d+$/.test(text)) throw bug(`Field 'id' expected a number but got '${text}'.`);
  return Number(text);
}

import { type Answer, bug, forbidden, type Refusal } from "./answers.ts";
import type { Maas } from "./maas.ts";
import type { User } from "./state.ts";
import type { Submission } from "./submission.ts";

/** A request that is passed to its handler. */
export interface Call {
  readonly maas: Maas;
  /** Undefined only if the resource needs no signature. */
  readonly user: User | undefined;
  /** The variable parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Of a POST or PUT. Undefined if MAAS does not know its content type. */
  readonly data: Submission | undefined;
  /** The unparsed bytes of the body. */
  readonly body: Buffer;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;

/** A path of the API with its operations. */
export interface Resource {
  /** Below `/MAAS/api/2.0/`. Variable parts are `{name}`, e.g. `boot-sources/{id}/`. */
  readonly path: string;
  /** With `boot`, only administrators may read it. The error for other users depends on the release. */
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

/** A method that is refused for other users, although they may use the other methods of its resource. */
export function adminMethod(handler: Handler): Handler {
  return (call) => {
    if (call.user?.isAdmin !== true) throw forbidden("This method is reserved for admin users.");
    return handler(call);
  };
}

/** Like `adminMethod`, for boot images. Newer releases check a permission instead. */
export function bootAdminMethod(handler: Handler): Handler {
  return (call) => {
    if (!call.maas.version.permissions) return adminMethod(handler)(call);
    if (call.user?.isAdmin !== true) throw bootPermissionMissing();
    return handler(call);
  };
}

/** 403 for users who may not change boot sources and images, in releases with a permission. */
export function bootPermissionMissing(): Refusal {
  return forbidden(
    "User does not have permission to perform this operation. The user should have permission 'can_edit_boot_entities'",
  );
}

/** A number in a path. Any other text causes an error of MAAS's database layer. */
export function idIn(call: Call, name = "id"): number {
  const text = call.params[name] ?? "";
  if (!/^-?\d+$/.test(text)) throw bug(`Field 'id' expected a number but got '${text}'.`);
  return Number(text);
}

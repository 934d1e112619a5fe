import { readFileSync } from "node:fs";
import { fieldsAt } from "../components/arguments/schema-fields.ts";
import { pathText } from "../errors/wrong-input.ts";
import { siteSchema } from "./site.ts";

/** A secret that is in clear text in the stack file. */
interface PlainSecret {
  readonly path: readonly PropertyKey[];
  /** The error, and how to correct it. */
  readonly message: string;
}

/** Names of secrets. They find a secret in a wrong place, which has no mark in the schema. */
const secretName = /^(apiKey|password|token)$/;

/** Whether a value must never be shown or stored in clear text: by its mark in the schema, its name, or its content. */
export function isSecret(path: readonly PropertyKey[], value: unknown): boolean {
  if (typeof value !== "string") return false;
  return (
    fieldsAt(siteSchema, path).some(({ meta }) => meta.secret) ||
    secretName.test(String(path.at(-1))) ||
    /^(tls|clientCertificate)\.key$/.test(path.slice(-2).join(".")) ||
    /-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----/.test(value) ||
    // A password in an address: http://name:word@proxy.
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*:[^/?#\s]*@/i.test(value)
  );
}

/**
 * Whether a wrong value may be shown to the user. A value that is written instead of a group with a secret may
 * contain that secret: `credentials: name:word`.
 */
export function mayBeShown(path: readonly PropertyKey[], value: unknown): value is string {
  return typeof value === "string" && !isSecret(path, value) && !standsBesideSecret(path);
}

function standsBesideSecret(path: readonly PropertyKey[]): boolean {
  return path.some((_, index) =>
    fieldsAt(siteSchema, path.slice(0, index + 1)).some(({ meta }) => meta.holdsSecret),
  );
}

/**
 * The secrets of a stack's configuration that are not encrypted. They would be in version control, and in clear text
 * in the state: in the provider's inputs, in its history and in backups.
 *
 * @param given The configuration below the project's name.
 * @param isEncrypted Whether the engine treats a key as secret. It does if any value below the key is secret.
 * @param file The stack file, e.g. `Pulumi.dc1.yaml`. It may be missing if the configuration is stored elsewhere.
 */
export function plainSecrets(
  given: Readonly<Record<string, unknown>>,
  {
    project,
    stack,
    file,
    isEncrypted,
  }: {
    readonly project: string;
    readonly stack: string;
    readonly file: string;
    readonly isEncrypted: (key: string) => boolean;
  },
): PlainSecret[] {
  const text = fileText(file);
  return secretsIn(given).flatMap(({ path, value }) => {
    // If another value of the same key is encrypted, only the file shows that this one is not.
    if (isEncrypted(String(path[0])) && !standsIn(text, String(path.at(-1)), value)) return [];
    const key = `${project}:${pathText(path)}`;
    const from = value.includes("\n") ? " < FILE" : "";
    return [
      {
        path,
        message:
          "is secret, and not encrypted: it would be in version control and readable in the state. " +
          `Set it encrypted: pulumi config set --stack ${stack} --secret --path '${key}'${from}. ` +
          "Where others could read it before, make a new one",
      },
    ];
  });
}

function secretsIn(
  value: unknown,
  path: readonly PropertyKey[] = [],
): { readonly path: readonly PropertyKey[]; readonly value: string }[] {
  if (typeof value === "string") return isSecret(path, value) ? [{ path, value }] : [];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => secretsIn(item, [...path, index]));
  return Object.entries(value).flatMap(([key, item]) => secretsIn(item, [...path, key]));
}

function fileText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Whether a YAML text contains a value in clear text, with any of YAML's quotes. */
function standsIn(text: string, name: string, value: string): boolean {
  const forms = new Set([value, JSON.stringify(value).slice(1, -1), value.replaceAll("'", "''")]);
  const all = bare(text);
  return [...forms].some((form) => {
    const wanted = bare(form);
    // Short values occur in many texts. They count only if they are the whole value of their name.
    return wanted.length >= 8 ? all.includes(wanted) : inClear(name, form).test(text);
  });
}

/** `name: value`, in block or flow style with any quotes, or in the lines of a block scalar. */
function inClear(name: string, form: string): RegExp {
  const [key, value] = [name, form.trim()].map((part) => part.replace(/[^\w\s]/g, "\\$&"));
  return new RegExp(
    `["']?${key}["']?\\s*:\\s*([|>][-+0-9]*\\s*\\n\\s*)?(["']?)${value}\\2\\s*([,}#]|$)`,
    "m",
  );
}

/** Without white space, because YAML indents the lines of a long text. */
function bare(text: string): string {
  return text.replace(/\\\r?\n|\\n|\s/g, "");
}

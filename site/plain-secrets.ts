import { readFileSync } from "node:fs";
import { fieldsAt } from "../components/arguments/schema-fields.ts";
import { pathText } from "../errors/wrong-input.ts";
import { siteSchema } from "./site.ts";

/** A secret that the stack's file has in clear text. */
interface PlainSecret {
  readonly path: readonly PropertyKey[];
  /** What it is and how it is set right. */
  readonly message: string;
}

/** Names of secrets, for those in a wrong place, where no schema marks them. */
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
 * Whether a wrong value may be shown to the user. What stands where a secret belongs beside something else may be both of
 * them in one: `credentials: name:word`.
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
 * The secrets of a stack's configuration that are not encrypted. They would be in version control, and in
 * clear text in the state: in the provider's inputs, in its history and backups.
 *
 * @param given The configuration below the project's name.
 * @param isEncrypted Whether the engine calls a key of it secret; it does so where any value below it is.
 * @param file The stack's file, e.g. `Pulumi.dc1.yaml`; it may be missing where the configuration is kept elsewhere.
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
    // Beside an encrypted value of the same key, only the file shows that this one is not.
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

/** Whether a YAML text has a value in clear, in one of the ways in which YAML quotes it. */
function standsIn(text: string, name: string, value: string): boolean {
  const forms = new Set([value, JSON.stringify(value).slice(1, -1), value.replaceAll("'", "''")]);
  const all = bare(text);
  return [...forms].some((form) => {
    const wanted = bare(form);
    // Short values are in every text: they count where they are the whole value of their name.
    return wanted.length >= 8 ? all.includes(wanted) : inClear(name, form).test(text);
  });
}

/** `name: value`, in a block or a flow, however quoted; or in the lines of a block scalar. */
function inClear(name: string, form: string): RegExp {
  const [key, value] = [name, form.trim()].map((part) => part.replace(/[^\w\s]/g, "\\$&"));
  return new RegExp(
    `["']?${key}["']?\\s*:\\s*([|>][-+0-9]*\\s*\\n\\s*)?(["']?)${value}\\2\\s*([,}#]|$)`,
    "m",
  );
}

/** Without white space, which a text of several lines has otherwise in YAML. */
function bare(text: string): string {
  return text.replace(/\\\r?\n|\\n|\s/g, "");
}

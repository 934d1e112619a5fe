import { randomUUID } from "node:crypto";

/** The body of a request. MAAS accepts all these forms, with different rules of Django's forms. */
export type MaasBody =
  | { readonly form: MaasFields }
  | { readonly multipart: MaasFields; readonly files?: Readonly<Record<string, Buffer>> }
  | { readonly json: unknown }
  | { readonly octets: Buffer };

/** A list is sent as a repeated field, because MAAS does not split at commas everywhere. */
export type MaasFields = Readonly<Record<string, MaasField>>;
type MaasField = string | number | boolean | readonly string[];

interface EncodedBody {
  readonly type: string;
  readonly bytes: Buffer;
}

export function encoded(body: MaasBody): EncodedBody {
  if ("json" in body) return { type: "application/json", bytes: Buffer.from(JSON.stringify(body.json)) };
  if ("octets" in body) return { type: "application/octet-stream", bytes: body.octets };
  if ("form" in body) {
    const parameters = new URLSearchParams(pairs(body.form));
    return { type: "application/x-www-form-urlencoded", bytes: Buffer.from(parameters.toString()) };
  }
  return multipart(pairs(body.multipart), Object.entries(body.files ?? {}));
}

/** Booleans are Django checkboxes: any text but `true` and `false`, e.g. `0` or `no`, would be true. */
function pairs(fields: MaasFields): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item): [string, string] => [name, String(item)]),
  );
}

function multipart(fields: [string, string][], files: [string, Buffer][]): EncodedBody {
  const boundary = `airgapped-maas-${randomUUID()}`;
  const parts = [
    ...fields.map(([name, value]) => part(boundary, `name="${escaped(name)}"`, "", Buffer.from(value))),
    // Django treats only a part with a file name as a file. MAAS ignores it otherwise.
    ...files.map(([name, content]) =>
      part(
        boundary,
        `name="${escaped(name)}"; filename="${escaped(name)}"`,
        "Content-Type: application/octet-stream\r\n",
        content,
      ),
    ),
  ];
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([...parts.flat(), Buffer.from(`--${boundary}--\r\n`)]),
  };
}

function part(boundary: string, disposition: string, headers: string, content: Buffer): Buffer[] {
  const head = `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${headers}\r\n`;
  return [Buffer.from(head), content, Buffer.from("\r\n")];
}

function escaped(name: string): string {
  return name.replaceAll('"', "%22").replaceAll(/[\r\n]/g, " ");
}

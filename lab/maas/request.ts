import type { IncomingMessage } from "node:http";
import { answer, bug, Refusal } from "./answers.ts";
import { nothingSubmitted, type Submission, type SubmittedFile, type SubmittedValue } from "./submission.ts";

/** A request that is read completely. */
export interface Request {
  readonly method: string;
  /** The server's name in the client's URL, with the port. */
  readonly host: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Reads a request completely. */
export async function readRequest(message: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const [path = "/", query = ""] = splitOnce(message.url ?? "/", "?");
  return {
    method: (message.method ?? "GET").toUpperCase(),
    host: message.headers.host ?? "",
    path: decodedPath(path),
    query: new URLSearchParams(query),
    authorization: message.headers.authorization,
    contentType: message.headers["content-type"] ?? "",
    body: Buffer.concat(chunks),
  };
}

/**
 * The submitted data of a POST or PUT, parsed as in MAAS (django-piston's `translate_mime`, Django's form parsers).
 * Undefined for a content type that MAAS does not know: its forms then see no data.
 */
export async function submissionOf(request: Request): Promise<Submission | undefined> {
  const [type = ""] = splitOnce(request.contentType, ";");
  switch (type.trim().toLowerCase()) {
    case "multipart/form-data":
      return multipart(request);
    case "application/x-www-form-urlencoded":
      return { values: repeated(new URLSearchParams(request.body.toString("utf8"))), files: new Map() };
    case "application/json":
      return { values: members(parsedJson(request.body)), files: new Map() };
    case "application/x-yaml":
      return { values: members(flatYaml(request.body.toString("utf8"))), files: new Map() };
    case "":
      return nothingSubmitted;
    default:
      return undefined;
  }
}

async function multipart({ body, contentType }: Request): Promise<Submission> {
  const values = new URLSearchParams();
  const files = new Map<string, SubmittedFile>();
  const form = await new Response(new Uint8Array(body), { headers: { "Content-Type": contentType } })
    .formData()
    .catch(() => {
      throw badBody();
    });
  for (const [name, value] of form) {
    if (typeof value === "string") values.append(name, value);
    else if (value.name !== "") {
      files.set(name, { filename: value.name, content: Buffer.from(await value.arrayBuffer()) });
    }
  }
  return { values: repeated(values), files };
}

function repeated(pairs: URLSearchParams): Map<string, SubmittedValue> {
  return new Map(
    [...new Set(pairs.keys())].map((name) => {
      const all = pairs.getAll(name);
      return [name, { all, one: all.at(-1) }];
    }),
  );
}

function parsedJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw badBody();
  }
}

function members(value: unknown): Map<string, SubmittedValue> {
  if (Array.isArray(value)) throw bug("'list' object has no attribute 'items'");
  if (typeof value !== "object" || value === null) {
    throw bug(`'${pythonType(value)}' object has no attribute 'items'`);
  }
  return new Map(
    Object.entries(value).map(([name, one]) => [name, { all: Array.isArray(one) ? one : [one], one }]),
  );
}

function pythonType(value: unknown): string {
  return { string: "str", number: "int", boolean: "bool" }[typeof value as string] ?? "NoneType";
}

/** Only `key: text` on each line. Clients of MAAS send no other YAML. */
function flatYaml(text: string): Record<string, string> {
  const pairs = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => splitOnce(line, ":"));
  return Object.fromEntries(pairs.map(([key = "", value = ""]) => [key.trim(), value.trim()]));
}

function badBody(): Refusal {
  return new Refusal(answer(400, "text/plain", "Bad Request"), "by the resource");
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

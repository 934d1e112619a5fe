import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { until } from "../../../lab/until.ts";
import { multipart, type SentBody } from "./multipart.ts";
import { type Exchange, exchanges, type SentField } from "./recordings/exchange.ts";
import { gaps, type Preparation, unfetched, waits } from "./recordings/gaps.ts";
import { Ids, learnIds, masked, maskedHeader, namedKey, type Replaced } from "./recordings/masks.ts";
import { signatures } from "./recordings/signatures.ts";
import { adminKey, authorization, RegionProcess, userKey } from "./region-process.ts";
import { deadPort, StreamServer } from "./stream-server.ts";

/*
 * All recorded requests to MAAS 3.6.5, sent to the stand-in in the same order.
 */

const api = "/MAAS/api/2.0/";
const compared = ["Content-Type", "Vary", "Allow", "WWW-Authenticate"];
const ids = new Ids();
let region: RegionProcess;
let stream: StreamServer;
let replaced: readonly Replaced[];

beforeAll(async () => {
  [region, stream] = await Promise.all([
    RegionProcess.start("3.6", "--import-interval", "0"),
    StreamServer.start(),
  ]);
  replaced = [
    ...namedKey(),
    { recorded: "http://127.0.0.1:18080/signed/", here: stream.url },
    { recorded: "http://127.0.0.1:18999/", here: `http://127.0.0.1:${await deadPort()}/` },
    { recorded: recordedKeyring(), here: stream.keyring.toString("base64") },
    // In a signed address.
    { recorded: "127.0.0.1%3A15240", here: encodeURIComponent(new URL(region.origin).host) },
  ];
});

afterAll(async () => {
  stream?.stop();
  await region?.stop();
});

describe("the stand-in answers as MAAS 3.6.5 did", () => {
  test.each(exchanges.map((exchange) => [exchange.n, exchange.method, exchange.path, exchange] as const))(
    "%i %s %s",
    async (n, method, path, exchange) => {
      for (const preparation of gaps[n] ?? []) await prepare(preparation);
      if (unfetched.some(({ from }) => from === n)) stream.hold();
      if (waits[n] === "sources are fetched") await sourcesAreFetched(exchange);
      if (waits[n] === "import is over") await importIsOver();

      const response = await send(method, path, exchange);
      const body = await response.text();

      if (unfetched.some(({ to }) => to === n)) stream.release();
      const recordedBody = here(exchange.body);
      learnIds(ids, recordedBody, body);
      const [plainPath = ""] = path.split("?");
      expect({
        status: response.status,
        headers: headersOf((name) => response.headers.get(name) ?? undefined),
        body: masked(body, plainPath, ids),
      }).toEqual({
        status: exchange.status,
        headers: headersOf((name) => exchange.headers[name]),
        body: masked(recordedBody, plainPath, undefined),
      });
    },
  );
});

function headersOf(value: (name: string) => string | undefined) {
  return Object.fromEntries(compared.map((name) => [name, maskedHeader(name, value(name))]));
}

/** Sends a recorded request with the ids and addresses of this region. */
function send(method: string, path: string, exchange: Exchange): Promise<Response> {
  const headers: Record<string, string> = {};
  if (exchange.auth === "oauth") headers.Authorization = authorization(keyOf(exchange.as));
  if (exchange.auth === "custom") headers.Authorization = signatures[exchange.n]?.() ?? "";
  const { body, contentType } = bodyOf(exchange);
  if (contentType !== undefined) headers["Content-Type"] = contentType;
  return fetch(region.origin + ids.path(path), { method, headers, ...(body === undefined ? {} : { body }) });
}

function bodyOf({ n, encoding, fields, rawBodyBase64 }: Exchange): SentBody {
  switch (encoding) {
    case "multipart":
      return form(fields);
    case "urlenc": {
      const pairs = fields.map(({ name, value }) => [name, here(String(value))] as [string, string]);
      return { body: new URLSearchParams(pairs) };
    }
    case "json": {
      const object = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
      return { body: JSON.stringify(object), contentType: "application/json" };
    }
    case "raw":
      return { body: Buffer.from(rawBodyBase64 ?? "", "base64"), contentType: rawTypes[n] ?? "" };
    default:
      return {};
  }
}

/** Content types were not recorded. They are derived from the bodies, and from MAAS's answers. */
const rawTypes: Readonly<Record<number, string>> = {
  33: "application/json",
  34: "application/x-yaml",
  35: "text/xml",
  36: "application/json",
  37: "text/plain",
};

function form(fields: readonly SentField[]) {
  return multipart(
    fields.map(({ name, value, filename, fileBase64 }) =>
      filename === undefined
        ? { name, content: here(String(value)) }
        : { name, filename, content: keyringOr(fileBase64 ?? "") },
    ),
  );
}

function keyringOr(base64: string): Buffer {
  const own = base64 === "THE STREAM'S" || base64 === recordedKeyring();
  return own ? stream.keyring : Buffer.from(base64, "base64");
}

/** The keyring of the recorded stream, from the request that sent it first. */
function recordedKeyring(): string {
  const sent = exchanges.find(({ n }) => n === 150)?.fields.find(({ name }) => name === "keyring_data");
  return sent?.fileBase64 ?? "";
}

/** A recorded text with the values of this region. */
function here(text: string): string {
  return replaced.reduce((before, { recorded, here: ours }) => before.replaceAll(recorded, ours), text);
}

async function prepare({ method, path, fields = [], makes }: Preparation): Promise<void> {
  const response = await fetch(region.origin + ids.path(api + path), {
    method,
    ...signed(method === "DELETE" ? {} : form(fields)),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${body}`);
  if (makes !== undefined) ids.learn(makes.kind, makes.id, JSON.parse(body).id);
}

// biome-ignore lint/suspicious/noExplicitAny: tests check the values that they read
async function read(path: string): Promise<any> {
  return (await fetch(region.origin + api + path, signed({}))).json();
}

/** Selects an architecture that no image has. The error shows whether MAAS knows the release already. */
async function sourcesAreFetched({ path, fields }: Exchange): Promise<void> {
  const asked = [
    ...fields.filter(({ name }) => name !== "arches"),
    { name: "arches", value: "none has this" },
  ];
  await until("the source to be fetched", 10_000, async () => {
    const response = await fetch(region.origin + ids.path(path), {
      method: "POST",
      ...signed(form(asked)),
    });
    return "arches" in ((await response.json()) as object);
  });
}

async function importIsOver(): Promise<void> {
  await until(
    "the end of the import",
    20_000,
    async () => (await read("boot-resources/?op=is_importing")) === false,
  );
}

/** As the administrator. */
function signed({ body, contentType }: SentBody): RequestInit {
  const headers: Record<string, string> = { Authorization: authorization(adminKey) };
  if (contentType !== undefined) headers["Content-Type"] = contentType;
  return { headers, ...(body === undefined ? {} : { body }) };
}

function keyOf(user: Exchange["as"]): string {
  return user === "user1" ? userKey : adminKey;
}

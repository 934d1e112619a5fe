import { until } from "../../../lab/until.ts";
import { multipart, type Part } from "./multipart.ts";
import { adminKey, authorization, type RegionProcess } from "./region-process.ts";

/** The answer. The body is an object if it is JSON. */
interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests check the values that they read
  readonly body: any;
}

/**
 * Sends a request to a region.
 *
 * @param path below `/MAAS/api/2.0/`
 * @param key the signing key: default the administrator's; undefined in an object means no signature
 */
export async function ask(
  region: RegionProcess,
  method: string,
  path: string,
  fields: readonly Part[] = [],
  { key }: { readonly key: string | undefined } = { key: adminKey },
): Promise<Answered> {
  const sends = method === "POST" || method === "PUT";
  const { body, contentType } = multipart(fields);
  const response = await fetch(`${region.origin}/MAAS/api/2.0/${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { Authorization: authorization(key) }),
      ...(sends ? { "Content-Type": contentType ?? "" } : {}),
    },
    ...(sends ? { body: body ?? "" } : {}),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: text };
  }
}

/** A form's fields. */
export function fieldsOf(values: Readonly<Record<string, string>>): Part[] {
  return Object.entries(values).map(([name, content]) => ({ name, content }));
}

/** Makes a boot source with a keyring. */
export async function addSource(
  region: RegionProcess,
  url: string,
  keyring: Uint8Array,
  more: Readonly<Record<string, string>> = {},
): Promise<number> {
  const file = { name: "keyring_data", filename: "keyring.gpg", content: keyring };
  const { status, body } = await ask(region, "POST", "boot-sources/", [...fieldsOf({ url, ...more }), file]);
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.id;
}

/** Selects a release for amd64, as soon as MAAS knows that the source has it. */
export async function select(
  region: RegionProcess,
  source: number,
  os: string,
  release: string,
): Promise<number> {
  const fields = fieldsOf({ os, release, arches: "amd64", subarches: "*", labels: "*" });
  let selected: Answered | undefined;
  await until(`${os}/${release} to be known`, 10_000, async () => {
    selected = await ask(region, "POST", `boot-sources/${source}/selections/`, fields);
    return selected.status === 200;
  });
  return selected?.body.id;
}

/** The names of the existing images. */
export async function imageNames(region: RegionProcess): Promise<string[]> {
  const { body } = await ask(region, "GET", "boot-resources/");
  return body.map(({ name }: { readonly name: string }) => name);
}

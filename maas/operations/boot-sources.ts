import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";
import type { MaasFields } from "../request-body.ts";

const schema = z.looseObject({
  id: z.int(),
  url: z.string(),
  keyring_filename: z.string().nullish(),
  keyring_data: z.string().nullish(),
  name: z.string().optional(),
  priority: z.int().optional(),
  enabled: z.boolean().optional(),
  skip_keyring_verification: z.boolean().optional(),
});

/** A source of images in MAAS. MAAS has the fields from `name` on since 3.8. */
export interface BootSource {
  readonly id: number;
  /** As stored in MAAS: with or without a trailing slash before 3.8, always without since. */
  readonly url: string;
  /** On the region host; `""` if there is a `keyring`. */
  readonly keyringFilename: string;
  /** The binary keyring's bytes; empty if there is a `keyringFilename`. */
  readonly keyring: Buffer;
  readonly name?: string | undefined;
  /** If two sources have the same image, the one with the higher priority is used. */
  readonly priority?: number | undefined;
  readonly enabled?: boolean | undefined;
  readonly skipKeyringVerification?: boolean | undefined;
}

/**
 * The fields of a boot source. The keyring is either a file name on the region host, or content that is sent as a part
 * with a file name: MAAS ignores other forms.
 */
export interface BootSourceFields {
  readonly url: string;
  readonly keyring: { readonly data: Buffer } | { readonly filename: string };
  /** Since 3.8. */
  readonly name?: string;
  /** Since 3.8. */
  readonly priority?: number;
  /** Since 3.8. */
  readonly enabled?: boolean;
  /** Since 3.8. */
  readonly skipKeyringVerification?: boolean;
}

export async function listBootSources(maas: MaasReader): Promise<BootSource[]> {
  const step = "reading the boot sources of MAAS";
  const found = checkedAnswer(z.array(schema), await maas.get("boot-sources/", { step }), step);
  return found.map(sourceOf);
}

export async function createBootSource(maas: MaasClient, fields: BootSourceFields): Promise<BootSource> {
  const step = `creating the boot source ${fields.url} in MAAS`;
  return sourceOf(
    checkedAnswer(schema, await maas.post("boot-sources/", { step, body: bodyOf(fields) }), step),
  );
}

/**
 * Changes a boot source. A stored keyring must be sent again every time, else MAAS fails (500). A change from a stored
 * keyring to a file name is not possible (3.4 to 3.8): create the source again.
 */
export async function updateBootSource(
  maas: MaasClient,
  id: number,
  fields: BootSourceFields,
): Promise<BootSource> {
  const step = `changing the boot source ${id} (${fields.url}) of MAAS`;
  const body = bodyOf(fields);
  // A stored file name must be cleared when a file is sent: MAAS accepts only one of them.
  const cleared = "data" in fields.keyring ? { keyring_filename: "" } : {};
  const answer = await maas.put(`boot-sources/${id}/`, {
    step,
    body: { ...body, multipart: { ...body.multipart, ...cleared } },
  });
  return sourceOf(checkedAnswer(schema, answer, step));
}

/** Deletes it with its selections and its cached index. Before 3.8 its images stay until the next import. */
export async function deleteBootSource(maas: MaasClient, id: number): Promise<void> {
  await maas.delete(`boot-sources/${id}/`, { step: `deleting the boot source ${id} of MAAS` });
}

function sourceOf(found: z.output<typeof schema>): BootSource {
  return {
    id: found.id,
    url: found.url,
    keyringFilename: found.keyring_filename ?? "",
    keyring: Buffer.from(found.keyring_data ?? "", "base64"),
    name: found.name,
    priority: found.priority,
    enabled: found.enabled,
    skipKeyringVerification: found.skip_keyring_verification,
  };
}

function bodyOf({ url, keyring, name, priority, enabled, skipKeyringVerification }: BootSourceFields) {
  const multipart: MaasFields = {
    url,
    ...("filename" in keyring ? { keyring_filename: keyring.filename } : {}),
    ...(name === undefined ? {} : { name }),
    ...(priority === undefined ? {} : { priority }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(skipKeyringVerification === undefined ? {} : { skip_keyring_verification: skipKeyringVerification }),
  };
  return { multipart, ...("data" in keyring ? { files: { keyring_data: keyring.data } } : {}) };
}

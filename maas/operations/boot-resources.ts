import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";
import type { MaasFields } from "../request-body.ts";

const fileSchema = z.looseObject({
  filename: z.string(),
  filetype: z.string(),
  sha256: z.string().nullish(),
  size: z.number(),
  complete: z.boolean(),
  progress: z.number().nullish(),
  upload_uri: z.string().nullish(),
});

const setSchema = z.looseObject({
  version: z.string(),
  label: z.string().nullish(),
  size: z.number(),
  complete: z.boolean(),
  progress: z.number().nullish(),
  files: z.record(z.string(), fileSchema),
});

const summarySchema = z.looseObject({
  id: z.int(),
  type: z.string(),
  name: z.string(),
  architecture: z.string(),
  title: z.string().nullish(),
  base_image: z.string().nullish(),
});

const schema = summarySchema.extend({ sets: z.record(z.string(), setSchema).default({}) });

/** An image in MAAS, complete or not. */
interface BootResource {
  readonly id: number;
  readonly type: "Synced" | "Uploaded";
  /** `ubuntu/noble`, `rhel/rocky9`, `grub-efi-signed/uefi`; for uploads the name without `custom/`. */
  readonly name: string;
  /** With the kernel: `amd64/ga-24.04`, `amd64/generic`. */
  readonly architecture: string;
  readonly title: string;
  /** `ubuntu/noble`; uploads only. */
  readonly baseImage: string;
}

export interface BootResourceFile {
  readonly name: string;
  readonly type: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly size: number;
  readonly complete: boolean;
  /** Percent; 100 when complete. */
  readonly progress: number;
  /** Path on the region for the bytes of an upload: `/MAAS/api/2.0/boot-resources/7/upload/3/`. */
  readonly uploadUri?: string | undefined;
}

interface BootResourceSet {
  /** `20261101`, `20261123.1`. */
  readonly version: string;
  readonly label: string;
  readonly size: number;
  readonly complete: boolean;
  readonly progress: number;
  readonly files: readonly BootResourceFile[];
}

export interface BootResourceDetail extends BootResource {
  /** The newest last. */
  readonly sets: readonly BootResourceSet[];
}

/** An image to upload, announced before its bytes. */
export interface UploadFields {
  /** `golden`, or `rhel/rocky9`. */
  readonly name: string;
  /** `amd64/generic`. MAAS accepts only architectures that it has Ubuntu images for. */
  readonly architecture: string;
  /** Lower-case hexadecimal, of the whole file. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** `tgz`, `tbz`, `txz`, `ddtgz`, `ddtbz`, `ddtxz`, `ddtar`, `ddbz2`, `ddgz`, `ddxz`, `ddraw`. */
  readonly filetype: string;
  readonly title?: string;
  /** `ubuntu/noble`. @default MAAS's own commissioning release */
  readonly baseImage?: string;
}

export async function listBootResources(
  maas: MaasReader,
  type?: "synced" | "uploaded",
): Promise<BootResource[]> {
  const step = "reading the images of MAAS";
  const answer = await maas.get("boot-resources/", { step, ...(type ? { query: { type } } : {}) });
  return checkedAnswer(z.array(summarySchema), answer, step).map(summaryOf);
}

export async function readBootResource(maas: MaasReader, id: number): Promise<BootResourceDetail> {
  const step = `reading the image ${id} of MAAS`;
  return detailOf(checkedAnswer(schema, await maas.get(`boot-resources/${id}/`, { step }), step));
}

/** Starts an import. If one is already running, it continues and no second one starts. */
export async function startImport(maas: MaasClient): Promise<void> {
  await maas.post("boot-resources/", { step: "telling MAAS to import images", query: { op: "import" } });
}

/** May still be false for a moment after `startImport`. Only the completeness of the images is reliable. */
export async function isImporting(maas: MaasReader): Promise<boolean> {
  const step = "reading from MAAS whether it imports images";
  const answer = await maas.get("boot-resources/", { step, query: { op: "is_importing" } });
  return checkedAnswer(z.boolean(), answer, step);
}

/** Announces an image. An image with the same name and architecture keeps its id and gets a new version. */
export async function createBootResource(
  maas: MaasClient,
  fields: UploadFields,
): Promise<BootResourceDetail> {
  const step = `announcing the image ${fields.name} (${fields.architecture}) to MAAS`;
  const { name, architecture, sha256, size, filetype, title, baseImage } = fields;
  const multipart: MaasFields = {
    name,
    architecture,
    sha256,
    size,
    filetype,
    ...(title === undefined ? {} : { title }),
    ...(baseImage === undefined ? {} : { base_image: baseImage }),
  };
  return detailOf(
    checkedAnswer(schema, await maas.post("boot-resources/", { step, body: { multipart } }), step),
  );
}

/**
 * Appends bytes to an announced file, in order. MAAS keeps what it has received. MAAS's own CLI sends 4 MiB at a time.
 */
export async function uploadChunk(maas: MaasClient, uploadUri: string, chunk: Buffer): Promise<void> {
  const path = uploadUri.replace(/^.*\/api\/2\.0\//, "");
  await maas.put(path, { step: "uploading a part of an image to MAAS", body: { octets: chunk } });
}

/** @throws MaasRefusal with the status 500 if it does not exist: MAAS does not answer 404 here. */
export async function deleteBootResource(maas: MaasClient, id: number): Promise<void> {
  await maas.delete(`boot-resources/${id}/`, { step: `deleting the image ${id} of MAAS` });
}

function summaryOf(found: z.output<typeof summarySchema>): BootResource {
  return {
    id: found.id,
    type: found.type === "Uploaded" ? "Uploaded" : "Synced",
    name: found.name,
    architecture: found.architecture,
    title: found.title ?? "",
    baseImage: found.base_image ?? "",
  };
}

function detailOf(found: z.output<typeof schema>): BootResourceDetail {
  const sets = Object.values(found.sets).map((set) => ({
    version: set.version,
    label: set.label ?? "",
    size: set.size,
    complete: set.complete,
    progress: set.complete ? 100 : (set.progress ?? 0),
    files: Object.values(set.files).map((file) => ({
      name: file.filename,
      type: file.filetype,
      sha256: file.sha256 ?? "",
      size: file.size,
      complete: file.complete,
      progress: file.complete ? 100 : (file.progress ?? 0),
      uploadUri: file.upload_uri ?? undefined,
    })),
  }));
  const byVersion = (one: BootResourceSet, other: BootResourceSet) =>
    one.version.localeCompare(other.version, "en", { numeric: true });
  return { ...summaryOf(found), sets: sets.sort(byVersion) };
}

import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { neverDeployed } from "../../content/deployable.ts";
import { ExplainedError } from "../../errors/explained-error.ts";
import type { MaasClient, MaasReader } from "../../maas/client.ts";
import {
  type BootResourceDetail,
  deleteBootResource,
  listBootResources,
  readBootResource,
} from "../../maas/operations/boot-resources.ts";
import { MaasRefusal } from "../../maas/refusal.ts";
import { distroSeriesOf, fileTypes, nameRefusal, storedName, storedTypes } from "../../maas/upload-names.ts";
import { defineResource, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { type ResourceArgs, resourceClass } from "../kernel/resource.ts";
import { localChunks, remoteChunks } from "./image/chunks.ts";
import { defaultUploadLimits, type UploadLimits, upload } from "./image/upload.ts";
import { beforeAnother, connectionInputs, type MaasConnectionArgs, maasInputs } from "./region/connection.ts";
import { regionOf } from "./region/region.ts";

const inputs = z
  .strictObject({
    host: hostInput,
    ...maasInputs,
    name: z
      .string()
      .superRefine((name, context) => {
        const message = nameRefusal(name);
        if (message) context.addIssue({ code: "custom", message });
      })
      .describe("golden or custom/golden, or with its system rhel/rocky9."),
    architecture: z
      .string()
      .regex(/^[a-z0-9]+\/[a-z0-9][a-z0-9.-]*$/, "is not an architecture of MAAS, e.g. amd64/generic"),
    title: z.string().default("").describe("Displayed name in MAAS."),
    baseImage: z
      .string()
      .regex(
        /^(ubuntu|centos|rhel|ol|suse)\/[A-Za-z0-9][\w.-]*$/,
        "is not a valid base image, e.g. ubuntu/noble",
      )
      .optional(),
    fileType: z.enum(fileTypes as [string, ...string[]]),
    file: z
      .strictObject({ path: z.string().min(1), onHost: z.boolean().default(false) })
      .describe("Path on this workstation, or with onHost on the region host."),
    size: z.int().positive().describe("Bytes of the file."),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "is not a valid SHA-256")
      .describe("SHA-256 of the file, lower-case hexadecimal."),
  })
  .superRefine(({ name, fileType }, context) => {
    const [system = ""] = distroSeriesOf(name).split("/");
    const message = neverDeployed(system, fileType);
    if (message) context.addIssue({ code: "custom", path: ["fileType"], message });
  });
const outputs = z.object({
  resource: z.number().describe("The number of the image in MAAS."),
  version: z.string().describe("MAAS's version: the day, with .1, .2 for further ones."),
});
type Inputs = z.output<typeof inputs>;
type Outputs = z.output<typeof outputs>;

export const maasImage = defineResource({
  kind: "MaasImage",
  version: 1,
  inputs,
  outputs,
  status: { upload: "complete" },
  identity: ["name", "architecture"],
  secrets: ["apiKey"],

  async observe(context, declared) {
    const { client } = await regionOf(context.host, declared, context.warn);
    const existing = await client.sharing((reader) => find(reader, declared));
    const newest = existing?.sets.at(-1);
    const [file] = newest?.files ?? [];
    if (!existing || !newest || !file) return undefined;
    return {
      inputs: {
        ...declared,
        title: existing.title,
        ...(declared.baseImage === undefined ? {} : { baseImage: existing.baseImage }),
        fileType: Object.entries(storedTypes).find(([, stored]) => stored === file.type)?.[0] ?? file.type,
        size: file.size,
        sha256: file.sha256,
      },
      outputs: { resource: existing.id, version: newest.version },
      status: newest.complete ? {} : { upload: `interrupted at ${Math.floor(file.progress)} %` },
    };
  },

  apply: (context, wanted, _, previous) => apply(defaultUploadLimits, context, wanted, previous),

  async remove(context, declared) {
    const { client } = await regionOf(context.host, declared, context.warn);
    const existing = await find(client, declared);
    if (!existing) return;
    try {
      await deleteBootResource(client, existing.id);
    } catch (error) {
      // MAAS answers this if the image does not exist.
      if (!(error instanceof MaasRefusal && error.says(/does not exist/))) throw error;
    }
  },
});

/** The same with other time limits. */
export function maasImageWith(limits: UploadLimits): typeof maasImage {
  return { ...maasImage, apply: (context, wanted, _, previous) => apply(limits, context, wanted, previous) };
}

async function apply(
  limits: UploadLimits,
  context: ResourceContext,
  wanted: Inputs,
  previous: Inputs | undefined,
): Promise<Outputs> {
  const { client } = await regionOf(context.host, wanted, context.warn);
  const existing = await find(client, wanted);
  if (existing && isSame(existing, wanted)) return outputsOf(existing);
  if (existing && !previous) refuseToReplace(existing, wanted);
  await needArchitecture(client, wanted.architecture);
  const { file, name, architecture, size, sha256, fileType, title, baseImage } = wanted;
  const read = file.onHost ? remoteChunks(context.host, file.path) : localChunks(file.path);
  const fields = {
    name,
    architecture,
    size,
    sha256,
    filetype: fileType,
    ...(title ? { title } : {}),
    ...(baseImage ? { baseImage } : {}),
  };
  const described = existing && isDescribed(existing, wanted) ? existing : undefined;
  try {
    return outputsOf(await upload(client, fields, described, read, limits, context.progress));
  } catch (error) {
    const begun = await find(client, wanted).catch(() => undefined);
    if (!begun) throw error;
    throw new PartlyApplied(error as Error, outputsOf(begun));
  }
}

/** An upload with the declared name and architecture, and all its versions. */
async function find(
  reader: MaasReader,
  { name, architecture }: Inputs,
): Promise<BootResourceDetail | undefined> {
  const uploaded = await listBootResources(reader, "uploaded");
  const found = uploaded.find(
    (image) => image.name === storedName(name) && image.architecture === architecture,
  );
  return found && readBootResource(reader, found.id);
}

function isSame(existing: BootResourceDetail, wanted: Inputs): boolean {
  const newest = existing.sets.at(-1);
  return (newest?.complete ?? false) && isDescribed(existing, wanted);
}

/**
 * MAAS deletes the previous content when a new one is uploaded. An incomplete image counts as our own interrupted
 * upload.
 */
function refuseToReplace({ id, sets }: BootResourceDetail, { name, architecture, sha256 }: Inputs): void {
  const newest = sets.at(-1);
  const [file] = newest?.files ?? [];
  if (!newest?.complete || !file || file.sha256 === sha256) return;
  throw new ExplainedError({
    step: `uploading ${name} for ${architecture} to MAAS`,
    found: `MAAS has an image with that name (${id}, SHA-256 ${file.sha256.slice(0, 12)}...), which was not uploaded by this stack and would be lost`,
    remedy: `Choose another name, or delete it in MAAS first: maas admin boot-resource delete ${id}.`,
    values: ["name"],
  });
}

/** Whether the newest version is of the same file, complete or not. */
function isDescribed({ sets, title, baseImage }: BootResourceDetail, wanted: Inputs): boolean {
  const [file] = sets.at(-1)?.files ?? [];
  return (
    file?.sha256 === wanted.sha256 &&
    file.type === storedTypes[wanted.fileType] &&
    title === wanted.title &&
    (wanted.baseImage === undefined || baseImage === wanted.baseImage)
  );
}

function outputsOf({ id, sets }: BootResourceDetail): Outputs {
  return { resource: id, version: sets.at(-1)?.version ?? "" };
}

/**
 * MAAS accepts an upload only for architectures for which it has an Ubuntu image; otherwise its only choice is `---`.
 */
async function needArchitecture(client: MaasClient, architecture: string): Promise<void> {
  const [arch] = architecture.split("/");
  const synced = await listBootResources(client, "synced");
  const usable = synced.filter(({ name }) => name.startsWith("ubuntu/"));
  if (usable.some((image) => image.architecture.startsWith(`${arch}/`))) return;
  const known = [...new Set(usable.map((image) => image.architecture.split("/")[0]))];
  throw new ExplainedError({
    step: `uploading an image for ${architecture} to MAAS`,
    found: `MAAS has no Ubuntu image for ${arch} (${known.length > 0 ? `only for ${known.join(", ")}` : "it has none at all"}), and accepts an upload only for architectures with one`,
    remedy: "Let it import one first: declare a MaasBootSource that selects Ubuntu for this architecture.",
    values: ["architecture"],
  });
}

/** An image that is uploaded to MAAS. Created by CustomImage. */
export class MaasImage extends resourceClass(maasImage) {
  constructor(
    name: string,
    { maas, ...args }: { maas: MaasConnectionArgs } & MaasImageArgs,
    options?: pulumi.CustomResourceOptions,
  ) {
    super(name, { ...connectionInputs(maas), ...args }, { ...beforeAnother, ...options });
  }
}

type MaasImageArgs = Omit<ResourceArgs<typeof maasImage>, "host" | "maas" | "apiKey">;

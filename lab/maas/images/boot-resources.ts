import type { Maas } from "../maas.ts";

/** An image that MAAS has or imports. */
export interface BootResource {
  readonly id: number;
  readonly type: "Synced" | "Uploaded";
  /** `OS/RELEASE`. A custom image has only its name. */
  readonly name: string;
  /** `ARCH/SUBARCH`. */
  readonly architecture: string;
  readonly bootloaderType?: string | undefined;
  /** Other fields: `subarches`, `title`, `platform`. */
  extra: Record<string, string>;
  baseImage: string;
  /** Oldest first. */
  sets: ResourceSet[];
}

/** A version of an image. */
export interface ResourceSet {
  readonly version: string;
  label: string;
  files: ResourceFile[];
}

/** A file of a version: its metadata, without its content. */
export interface ResourceFile {
  readonly id: number;
  readonly filename: string;
  filetype: string;
  sha256: string;
  /** The size of the complete file, and the number of stored bytes. */
  size: number;
  stored: number;
}

/** All images. */
export function bootResources(maas: Maas): BootResource[] {
  return maas.store.table<BootResource>("bootResources");
}

/** Adds an image without any version. */
export function addBootResource(
  maas: Maas,
  of: Pick<BootResource, "type" | "name" | "architecture" | "bootloaderType">,
): BootResource {
  const resource: BootResource = {
    id: maas.store.nextId("bootResources"),
    ...of,
    extra: {},
    baseImage: "",
    sets: [],
  };
  bootResources(maas).push(resource);
  return resource;
}

export function isComplete({ files }: ResourceSet): boolean {
  return files.length > 0 && files.every(isFileComplete);
}

export function isFileComplete({ size, stored }: ResourceFile): boolean {
  return stored === size;
}

/** The newest complete version. */
export function latestComplete(resource: BootResource): ResourceSet | undefined {
  return resource.sets.findLast(isComplete);
}

/** The architectures for which complete Ubuntu images exist, e.g. `amd64/generic`: no kernels. */
export function usableArchitectures(maas: Maas): string[] {
  const started = bootResources(maas).filter((resource) => {
    const types = latestComplete(resource)?.files.map(({ filetype }) => filetype) ?? [];
    return (
      resource.type === "Synced" &&
      ["boot-kernel", "boot-initrd"].every((type) => types.includes(type)) &&
      ["squashfs", "root-image.gz"].some((type) => types.includes(type))
    );
  });
  const names = started.flatMap(({ architecture, extra }) => {
    const [arch] = architecture.split("/");
    return [
      architecture,
      ...(extra.subarches ?? "")
        .split(",")
        .filter(Boolean)
        .map((name) => `${arch}/${name}`),
    ];
  });
  return [...new Set(names)].filter((name) => !/(hwe|ga)-/.test(name)).sort();
}

import { answer, badRequest, bug, deleted, json, notFound, text } from "../answers.ts";
import {
  type BootResource,
  bootResources,
  isComplete,
  isFileComplete,
  type ResourceFile,
  type ResourceSet,
} from "../images/boot-resources.ts";
import { removeRows } from "../images/boot-sources.ts";
import { declareUpload } from "../images/upload-form.ts";
import { storeChunk } from "../images/uploads.ts";
import { bootAdminMethod, type Call, idIn, type Resource } from "../resource.ts";

/*
 * maasserver/api/boot_resources.py.
 */

export const bootResourceResources: readonly Resource[] = [
  {
    path: "boot-resources/",
    access: "users",
    GET: ({ maas, query }) => json(ofType(bootResources(maas), query.get("type")).map(shown)),
    POST: bootAdminMethod(({ maas, data }) => json(shownWhole(declareUpload(maas, data)), 201)),
    operations: {
      GET: { is_importing: ({ maas }) => json(maas.images.isImporting()) },
      POST: {
        import: bootAdminMethod(({ maas }) => {
          maas.images.startImport();
          return text("Import of boot resources started");
        }),
        stop_import: bootAdminMethod(({ maas }) => {
          maas.images.stopImport();
          return text("Import of boot resources is being stopped");
        }),
      },
    },
  },
  {
    path: "boot-resources/{id}/",
    access: "users",
    GET: (call) => json(shownWhole(resourceOf(call))),
    DELETE: bootAdminMethod((call) => {
      const id = idIn(call);
      const rows = bootResources(call.maas);
      if (!rows.some((row) => row.id === id)) throw bug("BootResource matching query does not exist.");
      removeRows(rows, (row) => row.id === id);
      return deleted;
    }),
  },
  {
    path: "boot-resources/{id}/upload/{file}/",
    access: "users",
    PUT: bootAdminMethod((call) => {
      const resource = resourceOf(call);
      const id = idIn(call, "file");
      // MAAS searches the files of all images, not only of the image in the path.
      const sets = bootResources(call.maas).flatMap((row) => row.sets);
      const file = sets.flatMap(({ files }) => files).find((one) => one.id === id);
      if (file === undefined) throw notFound("BootResourceFile");
      storeChunk(call.maas, resource, file, call.body);
      return answer(200, "text/plain", "OK");
    }),
  },
];

function resourceOf(call: Call): BootResource {
  const id = idIn(call);
  const resource = bootResources(call.maas).find((one) => one.id === id);
  if (resource === undefined) throw notFound("BootResource");
  return resource;
}

/** Synced images first, then uploaded ones. Each group is sorted by name and architecture. */
function ofType(rows: readonly BootResource[], type: string | null): BootResource[] {
  if (type !== null && !["all", "synced", "uploaded"].includes(type)) {
    throw badRequest(`'${type}' is not a valid boot resource type. Available types: ['synced', 'uploaded']`);
  }
  const order = ({ type: kind, name, architecture }: BootResource) => `${kind} ${name}\0${architecture}`;
  return rows
    .filter((row) => type === null || type === "all" || row.type.toLowerCase() === type)
    .sort((left, right) => (order(left) < order(right) ? -1 : 1));
}

function shown({ id, type, name, architecture, extra, baseImage }: BootResource) {
  return {
    id,
    type,
    name,
    architecture,
    resource_uri: `/MAAS/api/2.0/boot-resources/${id}/`,
    last_deployed: null,
    ...extra,
    ...(baseImage === "" ? {} : { base_image: baseImage }),
  };
}

/** With all its versions, newest first. */
function shownWhole(resource: BootResource) {
  const sets = resource.sets.toReversed().map((set) => [set.version, shownSet(resource, set)] as const);
  return { ...shown(resource), sets: Object.fromEntries(sets) };
}

function shownSet(resource: BootResource, set: ResourceSet) {
  const { version, label, files } = set;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const stored = files.reduce((sum, file) => sum + file.stored, 0);
  const complete = isComplete(set);
  return {
    version,
    label,
    size,
    complete,
    ...(complete ? {} : { progress: percent(stored, size) }),
    files: Object.fromEntries(files.map((file) => [file.filename, shownFile(resource, file)])),
  };
}

function shownFile(resource: BootResource, file: ResourceFile) {
  const { id, filename, filetype, sha256, size, stored } = file;
  const complete = isFileComplete(file);
  const upload = `/MAAS/api/2.0/boot-resources/${resource.id}/upload/${id}/`;
  return {
    filename,
    filetype,
    sha256,
    filename_on_disk: sha256.slice(0, 7),
    size,
    complete,
    ...(complete ? {} : { progress: percent(stored, size) }),
    ...(complete || resource.type !== "Uploaded" ? {} : { upload_uri: upload }),
  };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

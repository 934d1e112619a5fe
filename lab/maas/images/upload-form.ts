import { createHash } from "node:crypto";
import { badRequest, bug } from "../answers.ts";
import { checkbox, choice, file, integer, text } from "../fields.ts";
import { Form, Wrong } from "../forms.ts";
import type { Maas } from "../maas.ts";
import type { Submission } from "../submission.ts";
import {
  addBootResource,
  type BootResource,
  bootResources,
  type ResourceFile,
  usableArchitectures,
} from "./boot-resources.ts";
import { removeRows } from "./boot-sources.ts";
import { cachedImages } from "./source-cache.ts";

/*
 * BootResourceForm and BootResourceNoContentForm in maasserver/forms/__init__.py.
 */

/** The file types of uploads, and MAAS's names for them. */
const filetypes: Readonly<Record<string, string>> = {
  tgz: "root-tgz",
  tbz: "root-tbz",
  txz: "root-txz",
  ddtgz: "root-dd",
  ddtbz: "root-dd.tar.bz2",
  ddtxz: "root-dd.tar.xz",
  ddtar: "root-dd.tar",
  ddbz2: "root-dd.bz2",
  ddgz: "root-dd.gz",
  ddxz: "root-dd.xz",
  ddraw: "root-dd.raw",
};

const filenames: Readonly<Record<string, string>> = {
  "root-tgz": "root.tgz",
  "root-tbz": "root.tbz",
  "root-txz": "root.txz",
};

const operatingSystems = [
  "ubuntu",
  "ubuntu-core",
  "bootloader",
  "centos",
  "rhel",
  "custom",
  "windows",
  "suse",
  "esxi",
  "ol",
];

/** The systems whose images may be base images. */
const linuxSystems = ["ubuntu", "centos", "rhel", "ol", "suse"];

/** Makes an image's next version from its declaration. Only up to 3.7 the request may have its content. */
export function declareUpload(maas: Maas, data: Submission | undefined): BootResource {
  const content = maas.version.uploadInOne ? data?.files.get("content")?.content : undefined;
  const architectures = usableArchitectures(maas);
  const listed = (architectures.length === 0 ? ["---"] : architectures).map((name) => `'${name}'`).join(", ");
  const form = new Form(
    {
      name: text({ maxLength: 255 }),
      architecture: choice(
        architectures,
        (value) => `'${value}' is not a valid architecture.  It should be one of: ${listed}.`,
      ),
      filetype: choice(
        Object.keys(filetypes),
        (value) => `Select a valid choice. ${value} is not one of the available choices.`,
        { required: data?.values.has("filetype") ?? false },
      ),
      sha256: content === undefined ? sha256 : text({ required: false }),
      size: integer({ required: content === undefined }),
      content: file({ required: false }),
      title: text({ required: false }),
      base_image: text({ required: false }),
      keep_old: checkbox(),
    },
    data,
  );
  const { name, base_image } = form.cleaned;
  const named = name === undefined ? undefined : storedName(maas, form, name);
  const base = base_image === undefined ? "" : baseImage(maas, form, name ?? "", base_image);
  const valid = form.valid();
  const before = bootResources(maas).length;
  const resource = resourceNamed(maas, named ?? "", valid.architecture);
  const isNew = bootResources(maas).length > before;
  const filetype = filetypes[valid.filetype || "tgz"] ?? "";
  const whole = content === undefined ? undefined : createHash("sha256").update(content).digest("hex");
  const added: ResourceFile = {
    id: maas.store.nextId("bootResourceFiles"),
    filename: filenames[filetype] ?? filetype,
    filetype,
    sha256: whole ?? valid.sha256,
    size: content?.length ?? valid.size ?? 0,
    stored: content?.length ?? 0,
  };
  if (isOfOtherSize(maas, added)) {
    if (isNew && maas.version.undoesRefusedUploads)
      removeRows(bootResources(maas), (row) => row === resource);
    throw badRequest("File already exists with sha256 that is of different size.");
  }
  resource.extra = { subarches: valid.architecture.split("/")[1] ?? "", title: valid.title };
  if (resource.baseImage === "") resource.baseImage = base;
  // Older versions remain, but lose their files.
  if (!valid.keep_old) for (const set of resource.sets) set.files = [];
  resource.sets.push({ version: nextVersion(maas, resource), label: "uploaded", files: [added] });
  return resource;
}

const sha256 = (input: Parameters<ReturnType<typeof text>>[0]) => {
  const given = text({ maxLength: 64 })(input);
  if (given.length < 64) {
    throw new Wrong(`Ensure this value has at least 64 characters (it has ${given.length}).`);
  }
  return given;
};

type AnyForm = { wrong(name: string, ...messages: string[]): void };

/** The stored name of an image: without `custom/`, and not a name that MAAS reserves. */
function storedName(maas: Maas, form: AnyForm, name: string): string {
  const parts = name.split("/");
  if (parts.length > 2) throw bug("too many values to unpack (expected 2)");
  const [os = "", release] = parts;
  const stored = release !== undefined && os === "custom" ? release : name;
  if (release !== undefined && !operatingSystems.includes(os)) {
    const systems = operatingSystems.map((system) => `'${system}'`).join(", ");
    form.wrong("name", `Unsupport operating system ${os}, supported operating systems: [${systems}]`);
    return stored;
  }
  const offered = cachedImages(maas).flatMap((image) => [
    `${image.os}/${image.release}`,
    image.os,
    image.release,
  ]);
  if ([...offered, ...operatingSystems].includes(stored) || /^centos\d\d?$/.test(stored)) {
    form.wrong("name", `${stored} is a reserved name`);
  }
  return stored;
}

function baseImage(maas: Maas, form: AnyForm, name: string, given: string): string {
  const [os = "", release] = name.split("/");
  if (release !== undefined && os !== "custom") return "";
  const { config } = maas.store.state;
  if (given === "") {
    const series = config.commissioning_distro_series ?? maas.version.commissioningSeries;
    return `${config.commissioning_osystem ?? "ubuntu"}/${series}`;
  }
  const parts = given.split("/");
  if (parts.length !== 2) form.wrong("base_image", "a base image must follow the format: <osystem>/<series>");
  else if (!linuxSystems.includes((parts[0] ?? "").toLowerCase())) {
    form.wrong("base_image", "custom images require a valid non-custom OS type base image");
  }
  return given.toLowerCase();
}

function resourceNamed(maas: Maas, name: string, architecture: string): BootResource {
  const before = bootResources(maas).find(
    (one) => one.type === "Uploaded" && one.name === name && one.architecture === architecture,
  );
  return before ?? addBootResource(maas, { type: "Uploaded", name, architecture });
}

function isOfOtherSize(maas: Maas, { sha256: digest, size }: ResourceFile): boolean {
  const files = bootResources(maas).flatMap(({ sets }) => sets.flatMap((set) => set.files));
  return files.some((one) => one.sha256 === digest && one.size !== size);
}

/** The date. Later versions of the same day have a number too. */
function nextVersion(maas: Maas, { sets }: BootResource): string {
  const day = new Date(maas.now()).toISOString().slice(0, 10).replaceAll("-", "");
  const today = sets.filter(({ version }) => version.startsWith(day)).length;
  return today === 0 ? day : `${day}.${today}`;
}

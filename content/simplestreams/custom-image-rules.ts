import { ExplainedError } from "../../errors/explained-error.ts";
import type { CustomImageDescription } from "./custom-image.ts";

/** Systems for which MAAS deploys an archive from a stream. */
const deployable = ["centos", "ol", "rhel", "suse"];

/** Systems that MAAS deploys only from a disk image, and so only from an upload. */
const diskImages = ["esxi", "windows"];

/**
 * Releases that images.maas.io has or had. If two sources have the same name, MAAS uses the one that it reads first.
 */
const official = /^centos\d+(-stream)?$/;

/** Why MAAS would not deploy an image from a stream; undefined if it would. */
export function customImageRefusal(image: CustomImageDescription): ExplainedError | undefined {
  const { os, release, releaseTitle, version, architecture, serial, label, supportEnd, file, manifest } =
    image;
  const upload = "Upload it to MAAS instead of publishing it in a stream.";
  if (os === "custom") {
    return refuse(
      "os",
      "MAAS imports and lists an image of os custom from a stream, but never deploys it: it uses only uploaded images as custom images",
      `${upload} Or set os to the system that it is made from: ${deployable.join(", ")}.`,
    );
  }
  if (diskImages.includes(os)) {
    return refuse(
      "os",
      `MAAS deploys ${os} from disk images, but MAAS 3.8 refuses these in a stream`,
      upload,
    );
  }
  if (os === "ubuntu" || os === "ubuntu-core") {
    return refuse(
      "os",
      `MAAS treats ${os} in a stream as an official image, with separate kernel and initrd`,
      `${upload} An upload is a custom image with base_image ubuntu/RELEASE.`,
    );
  }
  if (!deployable.includes(os)) {
    return refuse(
      "os",
      `MAAS has no operating system ${os}`,
      `Choose from ${deployable.join(", ")}, or upload the image.`,
    );
  }
  if (file.ftype.startsWith("root-dd")) {
    return refuse(
      "file",
      `it is a disk image (${file.ftype}), but MAAS deploys ${os} only from archives of a root file system`,
      "Build it as .tar.gz, as packer-maas does for these systems, or upload it as a custom image.",
    );
  }
  if (file.ftype === "root-tbz" || file.ftype === "root-txz") {
    return refuse(
      "file",
      `it is a ${file.ftype}, but MAAS 3.8 refuses the whole stream if it contains no root-tgz`,
      "Compress the archive with gzip (.tar.gz).",
    );
  }
  if (file.ftype !== "root-tgz") {
    return refuse(
      "file",
      `MAAS does not support the file type ${file.ftype} here`,
      "Use a .tar.gz of the root file system.",
    );
  }
  if (!/^[a-z0-9][a-z0-9.-]{0,62}$/.test(release)) {
    return refuse(
      "release",
      `${JSON.stringify(release)} cannot be part of a URL and of MAAS's OS/RELEASE`,
      "Use lower-case letters, digits, dots and dashes, e.g. rocky9.",
    );
  }
  if (["notifications", "generic"].includes(release) || (os === "centos" && official.test(release))) {
    return refuse(
      "release",
      `${release} is reserved: ${release === "notifications" ? "MAAS uses it for release notifications" : "images.maas.io has images with that name, and MAAS would use whichever it reads first"}`,
      "Give it a unique name, e.g. the site's name with the version.",
    );
  }
  if (!/^[^\x00-\x1f\x7f]{1,128}$/.test(releaseTitle) || releaseTitle.trim() !== releaseTitle) {
    return refuse(
      "title",
      `${JSON.stringify(releaseTitle)} is empty, too long, or has surrounding blanks or control characters`,
      "Write the title on one line, e.g. Rocky Linux 9.",
    );
  }
  if (/LTS$/.test(releaseTitle)) {
    return refuse(
      "title",
      "MAAS treats a release whose title ends with LTS as an Ubuntu release for commissioning",
      "Remove LTS from the title.",
    );
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(version)) {
    return refuse(
      "version",
      `${JSON.stringify(version)} is not a version`,
      'Use a version such as "9" or "9.4".',
    );
  }
  if (!/^[a-z0-9]{2,16}$/.test(architecture)) {
    return refuse(
      "architecture",
      `${JSON.stringify(architecture)} is not an architecture`,
      "Use amd64 or arm64.",
    );
  }
  if (!/^\d{8,14}([._]\d{1,6})?$/.test(serial)) {
    return refuse(
      "serial",
      `${JSON.stringify(serial)} does not begin with a date, but MAAS uses the version that sorts last`,
      "Use a serial such as 20261120 or 20261120.1.",
    );
  }
  if (label !== undefined && !/^[a-z0-9][a-z0-9-]{0,31}$/.test(label)) {
    return refuse("label", `${JSON.stringify(label)} is not a label`, "Use stable, or remove it.");
  }
  if (supportEnd !== undefined && (!/^\d{4}-\d\d-\d\d$/.test(supportEnd) || !isDay(supportEnd))) {
    return refuse(
      "supportEnd",
      `${JSON.stringify(supportEnd)} is not a date`,
      "Use a date such as 2032-05-31.",
    );
  }
  for (const [field, { size, sha256 }] of Object.entries({ file, manifest })) {
    if (!Number.isSafeInteger(size) || size <= 0)
      return refuse(field, "the file is empty", "Use the complete file.");
    if (!/^[0-9a-f]{64}$/.test(sha256))
      return refuse(field, `${sha256} is not a valid SHA-256`, "Compute it again.");
  }
  return undefined;
}

/** JavaScript treats 31 February as 3 March. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function refuse(value: string, found: string, remedy: string): ExplainedError {
  return new ExplainedError({ step: "creating a stream of an image", found, remedy, values: [value] });
}

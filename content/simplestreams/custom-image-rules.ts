import { ExplainedError } from "../../errors/explained-error.ts";
import type { CustomImageDescription } from "./custom-image.ts";

/** Systems of which MAAS deploys an archive from a stream. */
const deployable = ["centos", "ol", "rhel", "suse"];

/** Systems that MAAS deploys too, but only from a disk image, and so only from an upload. */
const diskImages = ["esxi", "windows"];

/** Releases that images.maas.io has or had: with the same name, MAAS takes whichever source comes first. */
const official = /^centos\d+(-stream)?$/;

/** Why MAAS would not deploy an image from a stream; undefined when it would. */
export function customImageRefusal(image: CustomImageDescription): ExplainedError | undefined {
  const { os, release, releaseTitle, version, architecture, serial, label, supportEnd, file, manifest } =
    image;
  const upload = "Upload it to MAAS instead of publishing it in a stream.";
  if (os === "custom") {
    return refuse(
      "os",
      "MAAS imports an image of os custom from a stream and even lists it, but never deploys it: it looks for custom images among uploaded ones only",
      `${upload} Or say the system it is made from: ${deployable.join(", ")}.`,
    );
  }
  if (diskImages.includes(os)) {
    return refuse("os", `MAAS deploys ${os} from disk images, which MAAS 3.8 refuses in a stream`, upload);
  }
  if (os === "ubuntu" || os === "ubuntu-core") {
    return refuse(
      "os",
      `MAAS takes ${os} in a stream for an official image, with its kernel and initrd apart`,
      `${upload} There it is a custom image with base_image ubuntu/RELEASE.`,
    );
  }
  if (!deployable.includes(os)) {
    return refuse(
      "os",
      `MAAS has no operating system ${os}`,
      `Choose among ${deployable.join(", ")}, or upload the image.`,
    );
  }
  if (file.ftype.startsWith("root-dd")) {
    return refuse(
      "file",
      `it is a disk image (${file.ftype}), and MAAS deploys ${os} from archives of a root file system only`,
      "Build it as .tar.gz, as packer-maas does for these systems, or upload it as a custom image.",
    );
  }
  if (file.ftype === "root-tbz" || file.ftype === "root-txz") {
    return refuse(
      "file",
      `it is a ${file.ftype}, and MAAS 3.8 refuses the whole stream when there is no root-tgz in it`,
      "Pack the archive with gzip (.tar.gz).",
    );
  }
  if (file.ftype !== "root-tgz") {
    return refuse(
      "file",
      `MAAS knows no kind of file ${file.ftype} here`,
      "Give a .tar.gz of the root file system.",
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
      `${release} is reserved: ${release === "notifications" ? "MAAS takes it for release notifications" : "images.maas.io has images of that name, and MAAS would take whichever it meets first"}`,
      "Give it a name of its own, e.g. the site's with the version.",
    );
  }
  if (!/^[^\x00-\x1f\x7f]{1,128}$/.test(releaseTitle) || releaseTitle.trim() !== releaseTitle) {
    return refuse(
      "releaseTitle",
      `${JSON.stringify(releaseTitle)} is empty, too long, or has blanks or control characters around it`,
      "Write the title on one line, e.g. Rocky Linux 9.",
    );
  }
  if (/LTS$/.test(releaseTitle)) {
    return refuse(
      "releaseTitle",
      "MAAS takes a release whose title ends with LTS for an Ubuntu that machines can be commissioned with",
      "Leave LTS out of the title.",
    );
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(version)) {
    return refuse("version", `${JSON.stringify(version)} is not a version`, 'Write it as "9" or "9.4".');
  }
  if (!/^[a-z0-9]{2,16}$/.test(architecture)) {
    return refuse(
      "architecture",
      `${JSON.stringify(architecture)} is not an architecture`,
      "Write amd64 or arm64.",
    );
  }
  if (!/^\d{8,14}([._]\d{1,6})?$/.test(serial)) {
    return refuse(
      "serial",
      `${JSON.stringify(serial)} does not begin with a date, and MAAS takes the version that sorts last`,
      "Write it as 20261120 or 20261120.1.",
    );
  }
  if (label !== undefined && !/^[a-z0-9][a-z0-9-]{0,31}$/.test(label)) {
    return refuse("label", `${JSON.stringify(label)} is not a label`, "Write stable, or leave it out.");
  }
  if (supportEnd !== undefined && (!/^\d{4}-\d\d-\d\d$/.test(supportEnd) || !isDay(supportEnd))) {
    return refuse("supportEnd", `${JSON.stringify(supportEnd)} is not a day`, "Write it as 2032-05-31.");
  }
  for (const [field, { size, sha256 }] of Object.entries({ file, manifest })) {
    if (!Number.isSafeInteger(size) || size <= 0)
      return refuse(field, "the file is empty", "Give the whole file.");
    if (!/^[0-9a-f]{64}$/.test(sha256))
      return refuse(field, `${sha256} is not a SHA-256`, "Compute it again.");
  }
  return undefined;
}

/** 31 February is taken for 3 March by JavaScript. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function refuse(value: string, found: string, remedy: string): ExplainedError {
  return new ExplainedError({ step: "making a stream of an image", found, remedy, values: [value] });
}

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ExplainedError } from "../../errors/explained-error.ts";
import { archiveKey, clearsigned } from "../archive/openpgp-key.ts";
import { command } from "../command.ts";
import { replaceFile } from "../publications.ts";
import { chosenProducts, type ImageChoice } from "./choice.ts";
import { newestImages, publicationDirectory, serveImages, stampFiles } from "./source.ts";
import { streamsDirectory } from "./stream.ts";

/** The ways to damage the stream's files. Each is a separate publication, made from the newest good one. */
export const imageTamperings = [
  "flipped-file",
  "missing-file",
  "truncated-file",
  "truncated-index",
  "missing-index",
  "truncated-list",
  "missing-list",
  "wrong-signature",
  "wrong-list-signature",
  "broken-signature",
  "unsigned",
  "rolled-back",
  "rolled-back-list",
] as const;
export type ImageTampering = (typeof imageTamperings)[number];

/** The file to damage: in the newest version of the first selected product, by default noble's for amd64. */
export interface ImageTamperTarget extends ImageChoice {
  /**
   * The key of its entry: `squashfs`, `boot-kernel`, `root-tgz`, `shim-signed`. Default: the last key by
   * name.
   */
  readonly item?: string | undefined;
}

const list = join(streamsDirectory, "com.ubuntu.maas:stable:v3:download");
const index = join(streamsDirectory, "index");

/**
 * Serves the newest publication with one damage. Returns the damaged path below `/ephemeral-v3/stable`. `...-list`
 * damages Ubuntu's list of products and not the index. `wrong-signature` signs the whole stream with the key of a
 * stranger. Publishing or restoring serves a good publication again.
 */
export async function tamperWithImages(
  images: string,
  kind: ImageTampering,
  target: ImageTamperTarget,
): Promise<string> {
  const { directory: good } = newestImages(images);
  for (const old of readdirSync(join(images, "publications"))) {
    if (old.startsWith("tampered-")) rmSync(publicationDirectory(images, old), { recursive: true });
  }
  const name = `tampered-${process.hrtime.bigint()}`;
  const bad = publicationDirectory(images, name);
  await command(["cp", "--archive", "--link", good, bad]);
  const hit = await damage(images, bad, kind, target);
  stampFiles(images, bad, "new ones with lists");
  serveImages(images, name);
  return hit;
}

async function damage(
  images: string,
  bad: string,
  kind: ImageTampering,
  target: ImageTamperTarget,
): Promise<string> {
  switch (kind) {
    case "flipped-file":
      return change(bad, fileOf(images, target), flipped);
    case "missing-file":
      return remove(bad, fileOf(images, target));
    case "truncated-file":
      return change(bad, fileOf(images, target), half);
    case "truncated-index":
      return eachForm(index, (path) => change(bad, path, half));
    case "missing-index":
      return eachForm(index, (path) => remove(bad, path));
    case "truncated-list":
      return eachForm(list, (path) => change(bad, path, half));
    case "missing-list":
      return eachForm(list, (path) => remove(bad, path));
    case "wrong-signature":
      for (const file of readdirSync(join(bad, streamsDirectory))) {
        if (file.endsWith(".sjson")) await resign(bad, join(streamsDirectory, file));
      }
      return `${index}.sjson`;
    case "wrong-list-signature":
      return await resign(bad, `${list}.sjson`);
    case "broken-signature":
      // The file differs from the signed digest.
      return change(bad, `${index}.sjson`, (bytes) =>
        bytes.toString("utf8").replace("products:1.0", "products:1.1"),
      );
    case "unsigned":
      return change(bad, `${index}.sjson`, (bytes) => signedText(bytes.toString("utf8")));
    case "rolled-back":
      return await rollBack(images, bad, readdirSync(join(bad, streamsDirectory)), `${index}.sjson`);
    case "rolled-back-list": {
      const files = ["json", "sjson"].map((form) => `${list}.${form}`.slice(streamsDirectory.length + 1));
      return await rollBack(images, bad, files, `${list}.sjson`);
    }
  }
}

/** Copies files of the first publication's `streams/v1` into the bad one, with the images that they name. */
async function rollBack(images: string, bad: string, files: readonly string[], hit: string): Promise<string> {
  const first = publicationDirectory(images, 0);
  if (newestImages(images).publication === 0) {
    throw new ExplainedError({
      step: "rolling back the lab's images",
      found: "nothing was published since the first publication",
      remedy: "Publish or withdraw a serial first.",
    });
  }
  for (const file of files) {
    rmSync(join(bad, streamsDirectory, file));
    await command([
      "cp",
      "--archive",
      "--link",
      join(first, streamsDirectory, file),
      join(bad, streamsDirectory),
    ]);
  }
  await command(["cp", "--archive", "--link", "--no-clobber", `${first}/.`, bad]);
  return hit;
}

function fileOf(images: string, { item, ...choice }: ImageTamperTarget): string {
  const noble: ImageChoice = { release: "noble", arch: "amd64" };
  const meant = Object.values(choice).every((value) => value === undefined) ? noble : choice;
  const [product] = chosenProducts(newestImages(images).products, meant);
  const items = product?.items(product.serials.at(-1) ?? "") ?? {};
  const key = item ?? Object.keys(items).sort().at(-1) ?? "";
  const path = items[key]?.path;
  if (path !== undefined) return path;
  throw new ExplainedError({
    step: "choosing an image's file to damage",
    found: `${product?.name} has no item ${key}`,
    remedy: `Use one of: ${Object.keys(items).join(" ")}.`,
  });
}

async function resign(bad: string, path: string): Promise<string> {
  const text = signedText(readFileSync(join(bad, path), "utf8"));
  replaceFile(join(bad, path), await clearsigned(text, await archiveKey("stranger")));
  return path;
}

function signedText(clearsignedText: string): string {
  const body = /^-----BEGIN PGP SIGNED MESSAGE-----\n(?:.+\n)*\n([\s\S]*?)-----BEGIN PGP SIGNATURE/;
  return body.exec(clearsignedText)?.[1] ?? "";
}

/** Damages the unsigned and the signed form. Returns the path of the signed one. */
function eachForm(path: string, hit: (path: string) => string): string {
  hit(`${path}.json`);
  return hit(`${path}.sjson`);
}

function change(bad: string, path: string, damaged: (bytes: Buffer) => Uint8Array | string): string {
  replaceFile(join(bad, path), damaged(readFileSync(join(bad, path))));
  return path;
}

function remove(bad: string, path: string): string {
  rmSync(join(bad, path));
  return path;
}

function half(bytes: Buffer): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length / 2));
}

function flipped(bytes: Buffer): Buffer {
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0x10;
  return bytes;
}

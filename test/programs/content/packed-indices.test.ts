import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { planUpstreamSigned } from "../../../content/apt/plan.ts";
import {
  clearsign,
  newKey,
  readSmall,
  releaseText,
  smallArchive,
  stanza,
} from "../../unit/content/small-archive.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "packed-indices-"));
});
afterEach(() => rm(directory, { recursive: true }));

test.each([
  [".xz", "xz"],
  [".bz2", "bzip2"],
])("a package index that exists only as Packages%s (packed by %s) is read", async (ending, packer) => {
  const path = `main/binary-amd64/Packages${ending}`;
  const bytes = execFileSync(packer, ["-c"], { input: stanza("a", "1") });
  const [archive, key] = [smallArchive(), await newKey()];
  archive.files.set(`dists/noble/${path}`, bytes);
  archive.files.set(
    "dists/noble/InRelease",
    await clearsign(releaseText("noble", [[path, bytes]], { "Acquire-By-Hash": "" }), key),
  );
  const exists = async (paths: readonly string[]) => paths.map((each) => archive.files.has(each));
  const plan = planUpstreamSigned(await readSmall(archive, key, directory, { exists }));
  expect(plan.rows.map((row) => row.package?.name)).toEqual(["a"]);
});

import { mkdtempSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { metadataCache } from "../../../../content/metadata-cache.ts";
import { planImages } from "../../../../content/simplestreams/plan.ts";
import { readStreamRoots } from "../../../../content/simplestreams/streams.ts";
import { archiveKey } from "../../../../lab/archive/openpgp-key.ts";
import { ubuntuImages } from "../../../../lab/images/image-sets.ts";
import { writeImageStream } from "../../../../lab/images/stream.ts";
import { sha256 } from "../small-archive.ts";

const directory = mkdtempSync(join(tmpdir(), "lab-stream-test-"));
afterAll(() => rm(directory, { recursive: true }));

describe("the lab's copy of images.maas.io", () => {
  test("has every file of a plan of all its images, with the same content, unsigned files included", async () => {
    const key = await archiveKey("images");
    const tree = join(directory, "tree");
    await writeImageStream(tree, { lists: ubuntuImages, key, updated: new Date("2026-06-01T06:00:00Z") });
    const roots = await readStreamRoots({
      url: "http://images.test/",
      fetch: (path) => readFile(join(tree, path)),
      key: key.publicArmored,
      cache: metadataCache(join(directory, "cache")),
      now: new Date(),
    });
    const plan = await planImages(roots, {
      images: [
        { os: "ubuntu", releases: ["noble", "jammy"], architectures: ["amd64", "arm64"] },
        { os: "centos", releases: ["centos8", "centos9"], architectures: ["amd64"] },
      ],
      keepVersions: 9,
      unsigned: true,
    });
    expect(plan.notHeld).toEqual({ products: [], images: [], summary: "" });
    expect(plan.warnings).toEqual([]);
    expect(plan.images).toHaveLength(4 + 2 + 3);
    for (const { path, size, sha256: digest } of plan.files) {
      const bytes = await readFile(join(tree, path));
      expect(`${path} ${bytes.length} ${sha256(bytes)}`).toBe(`${path} ${size} ${digest}`);
    }
  });
});

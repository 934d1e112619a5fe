import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { metadataCache } from "../../../../content/metadata-cache.ts";
import { isSanePath } from "../../../../content/paths.ts";
import type { CustomImageDescription } from "../../../../content/simplestreams/custom-image.ts";
import { customImageStream } from "../../../../content/simplestreams/custom-image-stream.ts";
import { versionsOf } from "../../../../content/simplestreams/maas-images.ts";
import { type PlannedImages, planImages } from "../../../../content/simplestreams/plan.ts";
import { comparePlans } from "../../../../content/simplestreams/plan-comparison.ts";
import { parsePlanText, planText } from "../../../../content/simplestreams/plan-text.ts";
import { readStreamRoots } from "../../../../content/simplestreams/streams.ts";
import { ExplainedError } from "../../../../errors/explained-error.ts";
import { offeredImages, selectedImages } from "../../../../resources/maas/boot-sources/preflight.ts";
import { newKey } from "../small-archive.ts";
import { mutated, nastyTexts, oneOf, randomNumbers } from "./mutations.ts";
import {
  centos,
  indexOf,
  loaderId,
  loaders,
  productFile,
  sign,
  smallStream,
  ubuntuId,
  ubuntuProducts,
  url,
} from "./small-stream.ts";

const key = await newKey();
const now = new Date("2026-06-03T12:00:00Z");
const images = [
  { os: "ubuntu", releases: ["noble", "jammy"], architectures: ["amd64"] },
  { os: "centos", releases: ["centos9-stream"], architectures: ["amd64"] },
];
const selections = images.flatMap(({ os, releases }) =>
  releases.map((release) => ({ os, release, arches: ["*"], subarches: ["*"] })),
);
const lists = [
  productFile(ubuntuId, ubuntuProducts()),
  productFile(loaderId, loaders()),
  productFile("centos", { centos9: centos("centos9-stream", ["20260101", "20260201"]) }),
];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hostile-stream-test-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** Undefined if it fails with an expected error. Any other error is a fault of this project. */
async function foreseen<Result>(
  what: string,
  work: () => Result | Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw new Error(`${what}: ${(error as Error).stack}`);
    const { step, found, remedy } = error.explanation;
    // A terminal must get only printable text from a stream, and not more than a page.
    for (const text of [step, found, remedy]) expect(text).toMatch(/^[\x20-\x7e\n]{1,4000}$/);
    return undefined;
  }
}

/** Results that no stream may cause. */
function expectSound(plan: PlannedImages): void {
  const contents = new Map<string, string>();
  const sizes = new Map<string, number>();
  for (const { path, size, sha256 } of plan.rows) {
    expect(isSanePath(path)).toBe(true);
    expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(contents.get(path) ?? sha256).toBe(sha256);
    expect(sizes.get(sha256) ?? size).toBe(size);
    contents.set(path, sha256);
    sizes.set(sha256, size);
  }
  for (const path of contents.keys()) {
    const parts = path.split("/");
    for (let count = 1; count < parts.length; count++)
      expect(contents.has(parts.slice(0, count).join("/"))).toBe(false);
  }
  expect(plan.warnings.join("\n")).toMatch(/^[\x20-\x7e\n]*$/);
  const written = parsePlanText(planText(plan));
  expect(written).toEqual({ ...written, digest: plan.digest, images: plan.images, files: plan.files });
  comparePlans(undefined, plan);
  comparePlans(plan, { ...written, digest: "another" });
  expect(JSON.parse(JSON.stringify(plan.images))).toEqual(plan.images);
}

const documents = new Map<string, object>([
  ["streams/v1/index", indexOf(lists)],
  ...lists.map((list) => [`streams/v1/${list.content_id}`, list] as const),
]);

/** A server of an unsigned stream. */
const fetchFrom =
  (files: ReadonlyMap<string, string>) =>
  async (path: string): Promise<Buffer> =>
    Buffer.from((files.get(path.replace(/[.]json$/, "")) ?? "").replaceAll(".sjson", ".json"));

const unsigned = (files: ReadonlyMap<string, string>) =>
  readStreamRoots({ url, fetch: fetchFrom(files), signed: false, cache: metadataCache(directory), now });

const textsOf = () => new Map([...documents].map(([path, document]) => [path, JSON.stringify(document)]));

describe("a stream with random changes has a valid plan, or is refused with an explanation", () => {
  test.each(Array.from({ length: 8 }, (_, seed) => seed + 1))("unsigned, with seed %d", async (seed) => {
    const random = randomNumbers(seed);
    let planned = 0;
    let refused = 0;
    for (let round = 0; round < 60; round++) {
      const files = textsOf();
      const path = oneOf([...documents.keys()], random);
      files.set(path, mutated(documents.get(path), random));
      const what = `seed ${seed}, round ${round}`;
      const plan = await foreseen(what, async () => planImages(await unsigned(files), { images }));
      const seen = {
        fetch: async (address: string) => ({
          status: 200,
          body: await fetchFrom(files)(decodeURIComponent(address.slice(url.length))),
        }),
      };
      await foreseen(what, async () => {
        const source = `${url}streams/v1/index.json`;
        const cache = metadataCache(directory);
        const { images: offered } = await offeredImages(seen, source, Buffer.alloc(0), cache);
        const taken = selectedImages(offered, selections);
        expect(taken.flatMap(({ files: of }) => of).every((file) => isSanePath(file.path))).toBe(true);
        return versionsOf(taken);
      });
      if (plan) {
        expectSound(plan);
        planned++;
      } else refused++;
    }
    expect(planned).toBeGreaterThan(5);
    expect(refused).toBeGreaterThan(5);
  });

  test("signed, with its unsigned files in the plan", async () => {
    const random = randomNumbers(99);
    for (let round = 0; round < 40; round++) {
      const stream = smallStream(key);
      for (const [path, document] of documents) {
        const odd = random() < 0.5;
        await sign(stream, `${path}.sjson`, odd ? mutated(document, random) : document);
      }
      // A few are damaged after they were signed.
      const [path, bytes] = oneOf([...stream.files], random);
      const at = Math.floor(random() * bytes.length);
      if (random() < 0.2)
        stream.files.set(path, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]));
      const plan = await foreseen(`round ${round}`, async () => {
        const cache = metadataCache(join(directory, String(round)));
        const armored = key.toPublic().armor();
        const roots = await readStreamRoots({ url, fetch: stream.fetch, key: armored, cache, now });
        return planImages(roots, { images, unsigned: true, keepVersions: 2 });
      });
      if (plan) expectSound(plan);
    }
  });
});

test("a plan's text with random changes is read, or refused with an explanation", async () => {
  const random = randomNumbers(7);
  const plan = await planImages(await unsigned(textsOf()), { images });
  const text = planText(plan);
  for (let round = 0; round < 200; round++) {
    const at = Math.floor(random() * text.length);
    const end = at + Math.floor(random() * 200);
    const changed =
      text.slice(0, at) + oneOf([...nastyTexts, "\n", "products __proto__ x\n"], random) + text.slice(end);
    await foreseen(`round ${round}`, () => comparePlans(parsePlanText(changed), plan));
  }
});

test("a custom image with random values has a stream with valid paths, or is refused with an explanation", async () => {
  const random = randomNumbers(3);
  const sound: CustomImageDescription = {
    os: "rhel",
    release: "rocky9",
    releaseTitle: "Rocky Linux 9",
    version: "9",
    architecture: "amd64",
    serial: "20261120",
    label: "stable",
    supportEnd: "2032-05-31",
    file: { ftype: "root-tgz", size: 500, sha256: "a".repeat(64) },
    manifest: { size: 20, sha256: "b".repeat(64) },
  };
  const odd = [...nastyTexts, "rocky-9.1", "20261120.7", "2032-02-31", "root-tgz", "centos", "9"];
  let made = 0;
  for (let round = 0; round < 600; round++) {
    const field = oneOf(Object.keys(sound).slice(0, 8), random);
    const deeper = oneOf(["file", "manifest"] as const, random);
    const image =
      random() < 0.7
        ? { ...sound, [field]: oneOf(odd, random) }
        : {
            ...sound,
            [deeper]: { ...sound[deeper], sha256: oneOf(odd, random), size: oneOf([-1, 0, 0.5, 9], random) },
          };
    let stream: ReturnType<typeof customImageStream> | undefined;
    try {
      stream = customImageStream(image, now);
    } catch (error) {
      expect(error).toBeInstanceOf(ExplainedError);
    }
    if (!stream) continue;
    made++;
    const paths = [...stream.files, ...Object.values(stream.texts)].map(({ path }) => path);
    expect(paths.filter((path) => !isSanePath(path) || !/^(rhel|centos|streams)\//.test(path))).toEqual([]);
  }
  expect(made).toBeGreaterThan(5);
});

import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { defaultCache } from "../../../../../content/metadata-cache.ts";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import type { FetchOptions } from "../../../../../hosts/host.ts";
import {
  type ImageMirrorPlan,
  type ImagePlanRequest,
  planImageMirror,
} from "../../../../../resources/mirror/images/plan.ts";
import type { ImageSummary } from "../../../../../resources/mirror/images/tree.ts";
import {
  loadPublication,
  type Publication,
} from "../../../../../resources/mirror/published-tree/publication.ts";
import { HostOnThisMachine, runHere } from "../../../../host-on-this-machine.ts";
import {
  loader,
  loaderId,
  loaders,
  productFile,
  publishStream,
  type SmallStream,
  sign,
  smallStream,
  tuesday,
  ubuntuId,
  ubuntuProducts,
  url,
} from "../../../../unit/content/simplestreams/small-stream.ts";
import { newKey } from "../../../../unit/content/small-archive.ts";
import { scratchDirectory } from "../published-tree/job-on-this-machine.ts";

const key = await newKey();
const stranger = await newKey();
const now = new Date("2026-06-03T12:00:00Z");
const index = "streams/v1/index.sjson";
let root: string;
let stream: SmallStream;
let request: ImagePlanRequest;
let asked: string[];
const cacheBefore = process.env.XDG_CACHE_HOME;

beforeEach(async () => {
  root = scratchDirectory("image-contents");
  process.env.XDG_CACHE_HOME = join(root, "cache");
  stream = smallStream(key);
  asked = [];
  await publishStream(stream);
  request = {
    host: "mirror",
    directory: join(root, "mirror"),
    store: join(root, "store"),
    upstream: { url, key: key.toPublic().armor(), stallSeconds: 30 },
    images: [{ os: "ubuntu", releases: ["noble"], architectures: ["amd64"] }],
    keepVersions: 1,
    unsigned: false,
  };
});

afterEach(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(root, { recursive: true, force: true });
});

/** A host whose commands run here. Its Internet is the small stream. */
class Reading extends HostOnThisMachine {
  override async fetch(address: string, { maximumBytes = 0 }: FetchOptions = {}) {
    const path = decodeURIComponent(address.slice(url.length));
    asked.push(path);
    const body = stream.files.get(path);
    if (body && body.length > maximumBytes) throw new Error("too long");
    return { status: body ? 200 : 404, headers: {}, url: address, body: Buffer.from(body ?? "") };
  }
}
const host = new Reading();
afterAll(() => host.clear());

const look = (changes: Partial<ImagePlanRequest> = {}) =>
  planImageMirror({ ...request, ...changes }, host, now);

const load = async (digest: string) => String(await defaultCache().get(digest));

async function workOf(plan: ImageMirrorPlan): Promise<string[]> {
  const { workList } = JSON.parse(await load(plan.digest)) as Publication;
  return (await load(workList)).trimEnd().split("\n");
}

/** Writes the files that an update would have published. */
async function publish(plan: ImageMirrorPlan, tree = "000001-000000000000"): Promise<void> {
  const { digest, updated, images, files, bytes } = plan;
  const upstream = url.replace(/\/$/, "");
  const summary: ImageSummary = { plan: digest, updated, images, files, bytes, upstream, keepSnapshots: 2 };
  const publication = JSON.parse(await load(digest)) as Publication;
  const directory = join(request.directory, "trees", tree);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "summary.json"), JSON.stringify(summary));
  writeFileSync(join(directory, "plan"), await load(publication.planText));
  writeFileSync(join(directory, "contents.json"), await load(publication.contents));
  await runHere(`ln -sfn trees/${tree} ${request.directory}/current`);
}

async function refusal(lookup: Promise<unknown>): Promise<ExplainedError> {
  const error = await lookup.then(
    () => undefined,
    (thrown) => thrown,
  );
  if (!(error instanceof ExplainedError)) throw new Error(`not refused, but ${error}`);
  return error;
}

async function publishNewSerial(): Promise<void> {
  const serials = ["20260501", "20260601", "20260602"];
  await publishStream(
    stream,
    [productFile(ubuntuId, ubuntuProducts(serials), { updated: tuesday }), productFile(loaderId, loaders())],
    { updated: tuesday },
  );
}

describe("a lookup", () => {
  test("returns the planned images, and the selections and keys for MAAS", async () => {
    const plan = await look();
    expect(plan.images["ubuntu/noble/amd64"]).toMatchObject({ serial: "20260601" });
    expect(Object.keys(plan.images).sort()).toEqual([
      "grub-efi-signed/uefi/amd64",
      "grub-efi/uefi/arm64",
      "pxelinux/pxe/i386",
      "ubuntu/noble/amd64",
    ]);
    expect(plan.selections).toEqual([
      { os: "ubuntu", release: "noble", arches: ["amd64"], subarches: ["*"], labels: ["*"] },
    ]);
    expect(plan.fingerprints).toEqual([key.getFingerprint().toUpperCase()]);
    expect(plan.keyring).toBe(Buffer.from(key.toPublic().write()).toString("base64"));
    expect(plan.warnings).toEqual([
      expect.stringMatching(/offers 2 products that this mirror does not have: .*ubuntu jammy amd64/),
    ]);
    expect(plan.notHeld.images).toEqual([
      { os: "ubuntu", release: "jammy", architecture: "amd64" },
      { os: "ubuntu", release: "noble", architecture: "arm64" },
    ]);
    expect(plan.notHeld.products).toHaveLength(2);
    expect(plan.changes).toContainEqual(expect.stringMatching(/^noble amd64 20260601 \(new\), .* to fetch/));
  });

  test("reports the serial of an image, also if a boot loader has the same name", async () => {
    const products = { ...loaders(), odd: loader("ubuntu", "noble", "amd64", ["99999999"]) };
    await publishStream(stream, [productFile(ubuntuId, ubuntuProducts()), productFile(loaderId, products)]);
    expect((await look()).images["ubuntu/noble/amd64"]?.serial).toBe("20260601");
  });

  test("uploads the verified metadata unchanged, and lets the host fetch the other files", async () => {
    const plan = await look();
    const work = (await workOf(plan)).map((line) => line.split("\t"));
    const handedOver = work.filter(([, , from]) => from === "-").map(([, , , to]) => to);
    const metadata = [index, `streams/v1/${loaderId}.sjson`, `streams/v1/${ubuntuId}.sjson`];
    expect(handedOver.sort()).toEqual(metadata.map((path) => `tree/${path}`).sort());
    expect(work.filter(([, , from]) => from !== "-").every(([, , from, to]) => to === `tree/${from}`)).toBe(
      true,
    );
    expect(work).toHaveLength(plan.files);
    const { seeds } = JSON.parse(await load(plan.digest)) as Publication;
    const [indexText] = seeds;
    expect(await load(indexText ?? "")).toBe(String(stream.files.get(index)));
  });

  test("reads only the index if upstream did not change, and shows no changes", async () => {
    const first = await look();
    await publish(first);
    asked.length = 0;
    const second = await look();
    expect(asked).toEqual([index]);
    expect(second).toEqual({ ...first, changes: [] });
  });

  test("deletes old unused files from the cache, and no file that the mirror needs", async () => {
    const { digest } = await look();
    const other = await defaultCache().put("of a mirror that is gone");
    const cache = join(root, "cache/airgapped-maas/metadata");
    for (const name of readdirSync(cache)) {
      if (name.startsWith("pruned-")) rmSync(join(cache, name));
      else utimesSync(join(cache, name), 0, 0);
    }
    asked = [];
    expect((await look()).digest).toBe(digest);
    expect(asked).toEqual([index]);
    expect(readdirSync(cache)).not.toContain(other);
    expect((await loadPublication(digest)).texts.size).toBeGreaterThan(2);
  });

  test("makes a new plan for other images, and reads only the index again", async () => {
    const first = await look();
    asked.length = 0;
    const arm = await look({ images: [{ os: "ubuntu", releases: ["noble"], architectures: ["arm64"] }] });
    expect(asked).toEqual([index]);
    expect(arm.digest).not.toBe(first.digest);
    expect((await look({ unsigned: true })).files).toBe(first.files + 3);
  });

  test("shows each change of the published images, with and without their plan in the cache", async () => {
    await publish(await look());
    await publishNewSerial();
    const expected = /^noble amd64 20260601 -> 20260602, [\d.]+ KiB to fetch, [\d.]+ KiB to prune later$/;
    expect((await look()).changes).toEqual([expect.stringMatching(expected)]);
    rmSync(join(root, "cache"), { recursive: true });
    expect((await look()).changes).toEqual([expect.stringMatching(expected)]);
  });

  test("of a kept snapshot sends no request to upstream, and an unknown snapshot is refused", async () => {
    const first = await look();
    await publish(first, "000001-aaaaaaaaaaaa");
    await publishNewSerial();
    await publish(await look(), "000002-bbbbbbbbbbbb");
    asked.length = 0;
    expect(await look({ pinnedTo: "000001-aaaaaaaaaaaa" })).toEqual({ ...first, changes: [] });
    expect(asked).toEqual([]);
    const { explanation } = await refusal(look({ pinnedTo: "000009-cccccccccccc" }));
    expect(explanation.values).toEqual(["pinnedTo"]);
    expect(explanation.found).toContain("000001-aaaaaaaaaaaa, 000002-bbbbbbbbbbbb");
  });
});

describe("a wrong upstream", () => {
  test("is refused if it is older than the published snapshot, unless the URL is a different one", async () => {
    await publishNewSerial();
    await publish(await look(), "000001-aaaaaaaaaaaa");
    await publishStream(stream);
    expect((await refusal(look())).message).toMatch(/index\.sjson: .*upstream went back/);
    const elsewhere = request.upstream.url.replace("stable", "mirror");
    const moved = { ...request.upstream, url: elsewhere };
    const other = new (class extends Reading {
      override fetch(path: string, options?: FetchOptions) {
        return super.fetch(path.replace("mirror", "stable"), options);
      }
    })("mirror", host.directory);
    const plan = await planImageMirror({ ...request, upstream: moved }, other, now);
    expect(plan.images["ubuntu/noble/amd64"]?.serial).toBe("20260601");
  });

  test("is refused if it is older than a kept snapshot, also while an older snapshot is served again", async () => {
    await publish(await look(), "000001-aaaaaaaaaaaa");
    await publishNewSerial();
    await publish(await look(), "000002-bbbbbbbbbbbb");
    await runHere(`ln -sfn trees/000001-aaaaaaaaaaaa ${request.directory}/current`);
    await publishStream(stream);
    expect((await refusal(look())).message).toMatch(/index\.sjson: .*upstream went back/);
  });

  test("is refused if an undeclared key signed it, and upstream.key is named", async () => {
    await sign(stream, index, "{}", stranger);
    const { explanation } = await refusal(look());
    expect(explanation.found).toMatch(/no good signature by .* which is not declared/);
    expect(explanation.values).toContain("upstream.key");
  });

  test("is reported with its URL if it has no index", async () => {
    stream.files.clear();
    const { explanation } = await refusal(look());
    expect(explanation).toMatchObject({
      host: "mirror",
      step: `fetching ${url}${index}`,
      found: "the server answered 404",
      values: ["upstream.url"],
    });
  });
});

describe("files of a host that no update wrote", () => {
  const tree = "000001-aaaaaaaaaaaa";
  const write = (file: string, text: string) =>
    writeFileSync(join(request.directory, "trees", tree, file), text);

  test.each<[string, string, RegExp]>([
    ["incomplete JSON", '{"plan":"', /it is not JSON: it was not written by an update/],
    ["a string", '"x"', /it is not an object: it was not/],
    ["no date", '{"plan":"","upstream":""}', /its updated is missing or invalid/],
    [
      "an invalid date",
      '{"plan":"","upstream":"","updated":{"index":"x","products":{"constructor":"x"}}}',
      /its updated.index is missing/,
    ],
  ])("a summary is refused, and its path is named: %s", async (_, text, found) => {
    await publish(await look(), tree);
    write("summary.json", text);
    const { explanation } = await refusal(look());
    expect(explanation.found).toMatch(found);
    expect(explanation.step).toMatch(/^reading .*summary.json$/);
    expect(explanation.host).toBe("mirror");
  });

  test.each<[string, string, RegExp]>([
    ["incomplete contents", '{"images":', /it is not JSON/],
    [
      "images of a wrong type",
      '{"updated":{"index":"2026-06-01","products":{}},"images":[]}',
      /its images is/,
    ],
  ])("a kept snapshot with %s is not served again", async (_, text, found) => {
    await publish(await look(), tree);
    write("contents.json", text);
    expect((await refusal(look({ pinnedTo: tree }))).explanation.found).toMatch(found);
  });

  test("a published plan that cannot be read does not stop an update", async () => {
    await publish(await look(), tree);
    await publishNewSerial();
    write("plan", "airgapped-maas image plan 0\n");
    rmSync(join(root, "cache"), { recursive: true });
    const { changes } = await look();
    expect(changes[0]).toMatch(
      /^all images are shown as new: reading a mirror's plan: it begins with "airgapped-maas image/,
    );
    expect(changes[1]).toMatch(/^noble amd64 20260602 \(new\)/);
  });

  test("the contents of a kept snapshot do not change which keys MAAS trusts", async () => {
    const plan = await look();
    await publish(plan, tree);
    const theirs = Buffer.from(stranger.toPublic().write()).toString("base64");
    write("contents.json", JSON.stringify({ ...plan, keyring: theirs, publicKey: "theirs" }));
    const { keyring, publicKey } = await look({ pinnedTo: tree });
    expect({ keyring, publicKey }).toEqual({ keyring: plan.keyring, publicKey: plan.publicKey });
    write("contents.json", JSON.stringify({ ...plan, fingerprints: ["A".repeat(40)] }));
    const { explanation } = await refusal(look({ pinnedTo: tree }));
    expect(explanation.found).toMatch(/signed by A+, but .* is declared: MAAS would refuse it/);
    expect(explanation.values).toEqual(["pinnedTo", "upstream.key"]);
  });
});

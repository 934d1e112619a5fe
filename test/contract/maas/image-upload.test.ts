import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { PartlyApplied, type ResourceContext, type Status } from "../../../resources/kernel/definition.ts";
import { maasImageWith } from "../../../resources/maas/image.ts";
import { BootSourceFixture, type Version } from "./boot-source-fixture.ts";
import type { Region } from "./region.ts";
import type { RegionHost } from "./region-host.ts";
import { adminKey } from "./region-process.ts";

const definition = maasImageWith({ pollMs: 20, completeMs: 3000 });
type Inputs = Parameters<typeof definition.apply>[1];

const mebibyte = 1 << 20;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "uploads-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let place: BootSourceFixture;
let region: Region;
let host: RegionHost;
let messages: string[];

/** A region that has Ubuntu for amd64, without which it accepts no upload. */
async function start(version: Version = "3.6", imports = true): Promise<void> {
  messages = [];
  place = await BootSourceFixture.start(version);
  ({ region, host } = place);
  if (imports) await place.up();
  host.requests.length = 0;
}

let number = 0;
/** A file of random bytes, declared. */
function image(size: number, changes: object = {}): Inputs {
  const content = randomBytes(size);
  const path = join(folder, `image-${++number}.tar.gz`);
  writeFileSync(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return declaration({ host: host.name, file: { path }, size, sha256, ...changes });
}

function declaration(changes: object): Inputs {
  return definition.inputs.parse({
    host: "region",
    apiKey: adminKey,
    name: "rhel/rocky9-own",
    architecture: "amd64/generic",
    title: "Rocky 9",
    fileType: "tgz",
    file: { path: "rocky9.tar.gz" },
    size: 1,
    sha256: "0".repeat(64),
    ...changes,
  }) as Inputs;
}

function context(): ResourceContext {
  return {
    id: "maasimage-dc1-rocky9",
    host,
    progress: (line) => void messages.push(line),
    warn: (line) => void messages.push(`warning: ${line}`),
  };
}

/** The kernel's calls for an image that was declared before, with the same or other content. */
async function up(wanted: Inputs) {
  return definition.apply(context(), wanted, await definition.observe(context(), wanted), wanted);
}

/** The kernel's calls for a new image. */
async function create(wanted: Inputs) {
  return definition.apply(context(), wanted, await definition.observe(context(), wanted));
}

/** The observed state in the format of the declaration. `status` has what is wrong. */
async function look(wanted: Inputs): Promise<(Inputs & { status?: Status }) | undefined> {
  const observed = await definition.observe(context(), wanted);
  if (!observed) return undefined;
  const { inputs, status = {} } = observed;
  return Object.keys(status).length > 0 ? { ...inputs, status } : inputs;
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error("It went well."),
    (thrown: Error) => thrown,
  );
  return (error instanceof PartlyApplied ? (error.cause as Error) : error).message;
}

const changes = () => host.requests.splice(0).filter((request) => !request.startsWith("GET "));
const parts = () => changes().filter((request) => request.startsWith("PUT ")).length;

describe.each(["3.5", "3.6", "3.7", "3.8"] as const)("MAAS %s", (version) => {
  beforeAll(() => start(version));
  afterAll(() => place.stop());

  test("gets an image in parts, once; then another one in its place; then it is removed", async () => {
    const first = image(9 * mebibyte);
    const made = await create(first);
    expect(changes()).toEqual([
      "POST /MAAS/api/2.0/boot-resources/",
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^PUT .*\/upload\/\d+\/$/)),
    ]);
    expect(messages).toContain("100 % of 9.0 MiB are uploaded");
    expect(await look(first)).toEqual(first);
    await up(first);
    expect(changes()).toEqual([]);
    const second = image(mebibyte);
    expect((await look(second))?.sha256).toBe(first.sha256);
    expect((await up(second)).resource).toBe(made.resource);
    expect(await look(second)).toEqual(second);
    await definition.remove(context(), second, made);
    await definition.remove(context(), second, made);
    expect(await look(second)).toBeUndefined();
  });
});

describe("an upload", () => {
  beforeAll(() => start());
  afterAll(() => place.stop());
  afterEach(() => {
    host.before = () => {};
    host.after = () => {};
    changes();
    messages = [];
  });

  test("that is killed before or after any request is completed by the next update with the missing parts", async () => {
    const size = 14 * mebibyte;
    for (const moment of [
      "before 1",
      "after 1",
      "before 2",
      "after 2",
      "before 3",
      "after 3",
      "before 4",
      "after 4",
    ]) {
      const wanted = image(size);
      const [side, at] = moment.split(" ");
      let sent = 0;
      host.before = (request) => {
        if (side === "after" && sent === Number(at)) throw new Error("killed");
        if (request.startsWith("PUT ") && ++sent === Number(at) && side === "before")
          throw new Error("killed");
      };
      await failure(up(wanted));
      host.before = () => {};
      const arrived = side === "after" ? Number(at) : Number(at) - 1;
      changes();
      await up(wanted);
      expect([moment, parts()]).toEqual([moment, 4 - arrived]);
      expect(await look(wanted)).toEqual(wanted);
    }
  });

  test("continues after an interruption, and sends only the part that has not arrived again", async () => {
    const wanted = image(14 * mebibyte);
    let sent = 0;
    host.before = async (request) => {
      if (request.startsWith("PUT ") && ++sent === 3) await region.control({ badGatewayFor: 0.2 });
    };
    await up(wanted);
    expect(changes().map((request) => request.split(" ")[0])).toEqual(["POST", ...Array(4 + 1).fill("PUT")]);
    expect(await look(wanted)).toEqual(wanted);
  });

  test("continues after an answer is lost, and sends no part again", async () => {
    const wanted = image(14 * mebibyte);
    let sent = 0;
    host.after = (request) => {
      if (request.startsWith("PUT ") && ++sent === 3)
        throw Object.assign(new Error("the connection broke"), { code: "ECONNRESET" });
    };
    await up(wanted);
    expect(changes().map((request) => request.split(" ")[0])).toEqual(["POST", ...Array(4).fill("PUT")]);
    expect(await look(wanted)).toEqual(wanted);
  });

  test.each([
    // MAAS finds it by the digest of the whole file, which it checks after the last part.
    ["a part with other content", 4, false, ["PUT", "PUT", "PUT", "POST"]],
    ["a part of another size with the same content", 1, true, ["POST"]],
    ["a part of another size with other content", 1, false, ["POST"]],
  ])("starts again if MAAS has %s", async (_, size, same, first) => {
    const wanted = image(14 * mebibyte);
    const { json } = await region.post("boot-resources/", {
      name: wanted.name,
      architecture: wanted.architecture,
      sha256: wanted.sha256,
      size: String(wanted.size),
      filetype: "tgz",
      title: wanted.title,
    });
    // Older versions are listed too, without files.
    const sets = Object.values(json.sets) as { files: Record<string, { upload_uri: string }> }[];
    const [file] = sets.flatMap(({ files }) => Object.values(files));
    const path = file?.upload_uri.replace("/MAAS/api/2.0/", "") ?? "";
    const content = same ? readFileSync(wanted.file.path) : Buffer.alloc(size * mebibyte);
    const sent = await region.send("PUT", path, {
      body: new Uint8Array(content.subarray(0, size * mebibyte)),
      headers: { "Content-Type": "application/octet-stream" },
    });
    expect(sent.text).toBe("OK");
    await up(wanted);
    expect(changes().map((request) => request.split(" ")[0])).toEqual([...first, ...Array(4).fill("PUT")]);
    expect(messages.includes("MAAS has other content: starting again")).toBe(first.includes("PUT"));
    expect(await look(wanted)).toEqual(wanted);
  });

  test("of a new image does not replace an image of somebody else", async () => {
    const theirs = image(mebibyte, { name: "custom/golden" });
    await create(theirs);
    changes();
    const ours = image(5 * mebibyte, { name: "custom/golden" });
    expect(await failure(create(ours))).toMatch(
      /MAAS has an image with that name \(\d+, SHA-256 [0-9a-f]{12}\.\.\.\), which was not uploaded by this stack[\s\S]*boot-resource delete \d+/,
    );
    expect(changes()).toEqual([]);
    expect(await look(ours)).toMatchObject({ sha256: theirs.sha256 });
    // An existing image with the same content is regarded as ours.
    await create(theirs);
    expect(changes()).toEqual([]);
    await definition.remove(context(), theirs, { resource: 0, version: "" });
    let sent = 0;
    host.before = (request) => {
      if (request.startsWith("PUT ") && ++sent === 2) throw new Error("killed");
    };
    await failure(create(ours));
    host.before = () => {};
    await create(ours);
    expect(await look(ours)).toEqual(ours);
  });

  test("of a file on the region host reads it there, one part at a time", async () => {
    const wanted = image(5 * mebibyte);
    await up({ ...wanted, file: { path: wanted.file.path, onHost: true } });
    expect(parts()).toBe(2);
    expect(await look(wanted)).toEqual(wanted);
  });

  test("that meets a full disk is reported, and is completed once there is free space", async () => {
    const wanted = image(9 * mebibyte);
    await region.control({ diskFull: true });
    expect(await failure(up(wanted))).toMatch(/No space left on device/);
    expect((await look(wanted))?.status).toEqual({ upload: "interrupted at 0 %" });
    await region.control({ diskFull: false });
    await up(wanted);
    expect(await look(wanted)).toEqual(wanted);
  });

  test("of a file that changed since the preview is refused by MAAS, and stays at 0 %", async () => {
    const wanted = image(mebibyte);
    writeFileSync(wanted.file.path, randomBytes(mebibyte));
    expect(await failure(up(wanted))).toMatch(/does not match given SHA256/);
    expect((await look(wanted))?.status).toEqual({ upload: "interrupted at 0 %" });
  });
});

describe("a MAAS without images", () => {
  beforeAll(() => start("3.6", false));
  afterAll(() => place.stop());

  test("makes an upload fail before it changes anything in MAAS", async () => {
    expect(await failure(up(image(mebibyte)))).toMatch(
      /no Ubuntu image for amd64 .*\n.*declare a MaasBootSource/,
    );
    expect(changes()).toEqual([]);
  });
});

test.each([
  ["a/b/c", /two slashes/],
  ["debian/12", /begins with debian/],
  ["centos7", /reserves/],
  ["custom/rhel", /reserves/],
  ["rocky 9", /is not a valid name/],
])("the image name %s is refused in the declaration, as MAAS refuses it", (name, reason) => {
  expect(() => declaration({ name })).toThrow(reason);
});

import { createHash, randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { until } from "../../../lab/until.ts";
import { addSource, ask, fieldsOf, imageNames, select } from "./client.ts";
import { RegionProcess } from "./region-process.ts";
import { deployable, withSerial } from "./stream-lists.ts";
import { StreamServer } from "./stream-server.ts";

/*
 * The differences between releases of MAAS after images are imported. 3.7 and 3.8 according to their source code.
 */

const all = ["3.5", "3.6", "3.7", "3.8"] as const;
let stream: StreamServer;
let region: RegionProcess;

beforeAll(async () => {
  stream = await StreamServer.start(deployable);
});

beforeEach(() => {
  stream.asked.length = 0;
});

afterEach(async () => {
  stream.release();
  await region?.stop();
});

afterAll(() => stream?.stop());

/** A region that imports only on request. */
async function start(version: string): Promise<void> {
  region = await RegionProcess.start(version, "--import-interval", "0");
}

const index = (form: string) => stream.asked.filter((path) => path.endsWith(`/index.${form}`)).length;

describe("imports", () => {
  async function imported(version: string): Promise<{ readonly source: number; readonly noble: number }> {
    await start(version);
    // Not the first source: up to 3.7 MAAS does not fetch that one when it is made.
    const first = await addSource(region, "http://first.internal/", stream.keyring);
    await ask(region, "DELETE", `boot-sources/${first}/`);
    const source = await addSource(region, stream.url, stream.keyring);
    const noble = await select(region, source, "ubuntu", "noble");
    await select(region, source, "rhel", "rocky9");
    await ask(region, "POST", "boot-resources/?op=import");
    await until("the import", 20_000, async () => {
      const names = await imageNames(region);
      const over = (await ask(region, "GET", "boot-resources/?op=is_importing")).body === false;
      return over && ["ubuntu/noble", "rhel/rocky9"].every((name) => names.includes(name));
    });
    return { source, noble };
  }

  test.each([
    ["3.5", 400, "Unable to delete %s %s. It is the operating system used in ephemeral environments."],
    ["3.6", 400, "Unable to delete %s %s. It is the operating system used in ephemeral environments."],
    ["3.7", 400, "Unable to delete ubuntu noble. It is the operating system used for commissioning."],
    ["3.8", 204, ""],
  ])("%s answers the deletion of the commissioning selection with %i %s", async (version, status, body) => {
    const { source, noble } = await imported(version);
    const config = fieldsOf({ name: "commissioning_distro_series", value: "noble" });
    expect((await ask(region, "POST", "maas/?op=set_config", config)).status).toBe(200);

    expect(await ask(region, "DELETE", `boot-sources/${source}/selections/${noble}/`)).toEqual({
      status,
      body,
    });
    expect((await imageNames(region)).includes("ubuntu/noble")).toBe(version !== "3.8");
  });

  test.each(all)("%s: images are kept when their source is deleted, up to 3.7 only", async (version) => {
    const { source } = await imported(version);

    await ask(region, "DELETE", `boot-sources/${source}/`);

    expect((await imageNames(region)).includes("rhel/rocky9")).toBe(version !== "3.8");
  });

  test.each(all)(
    "%s: an import is reported while the indices are fetched, up to 3.7 only",
    async (version) => {
      await imported(version);
      stream.asked.length = 0;
      stream.hold();

      await ask(region, "POST", "boot-resources/?op=import");
      await until("the fetch", 10_000, () => index("sjson") > 0);

      expect((await ask(region, "GET", "boot-resources/?op=is_importing")).body).toBe(version !== "3.8");
    },
  );

  test.each([
    ["3.5", "20260101"],
    ["3.6", "20260101"],
    ["3.7", "20260101"],
    ["3.8", "20260202"],
  ])(
    "%s imports an image of two sources in version %s: by order, or by priority since 3.8",
    async (version, serial) => {
      const other = await StreamServer.start(withSerial("rocky9", "20260202"));
      try {
        await start(version);
        const first = await addSource(region, stream.url, stream.keyring, { priority: "1" });
        const second = await addSource(region, other.url, other.keyring, { priority: "2" });
        await select(region, first, "rhel", "rocky9");
        await select(region, second, "rhel", "rocky9");

        await ask(region, "POST", "boot-resources/?op=import");
        await until("the image", 20_000, async () => (await imageNames(region)).includes("rhel/rocky9"));

        const { body } = await ask(region, "GET", "boot-resources/");
        const { id } = body.find(({ name }: { readonly name: string }) => name === "rhel/rocky9");
        expect(Object.keys((await ask(region, "GET", `boot-resources/${id}/`)).body.sets)).toEqual([serial]);
      } finally {
        other.stop();
      }
    },
  );

  test.each(all)(
    "%s: the request that declares an image can have its content, up to 3.7 only",
    async (version) => {
      await imported(version);
      const content = randomBytes(100);
      const sha256 = createHash("sha256").update(content).digest("hex");
      const fields = fieldsOf({ name: "mine", architecture: "amd64/generic", sha256, size: "100" });

      const { body } = await ask(region, "POST", "boot-resources/", [
        ...fields,
        { name: "content", filename: "mine.tgz", content },
      ]);

      const [set] = Object.values(body.sets ?? {}) as { readonly complete: boolean }[];
      expect(set?.complete === true).toBe(version !== "3.8");
    },
  );

  test.each([
    ["3.5", ["ghost"]],
    ["3.6", []],
  ])("%s keeps these images after a refused upload: %j", async (version, names) => {
    await imported(version);
    const sha256 = createHash("sha256").update("one").digest("hex");
    const upload = (name: string, size: string) =>
      ask(region, "POST", "boot-resources/", fieldsOf({ name, architecture: "amd64/generic", sha256, size }));
    expect((await upload("first", "3")).status).toBe(201);
    expect((await upload("ghost", "4")).status).toBe(400);

    const { body } = await ask(region, "GET", "boot-resources/?type=uploaded");
    expect(
      body.map(({ name }: { readonly name: string }) => name).filter((name: string) => name !== "first"),
    ).toEqual(names);
  });
});

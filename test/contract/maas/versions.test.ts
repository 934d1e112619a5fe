import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { recordedImages } from "../../../lab/images/image-sets.ts";
import { until } from "../../../lab/until.ts";
import { addSource, ask, fieldsOf, select } from "./client.ts";
import { RegionProcess, userKey } from "./region-process.ts";
import { deployable } from "./stream-lists.ts";
import { StreamServer } from "./stream-server.ts";

/*
 * The differences between releases of MAAS. Recorded with 3.6.5, observed with 3.5.13; 3.7 and 3.8 according to their source
 * code.
 */

const upTo37 = ["3.5", "3.6", "3.7"] as const;

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

describe("MAAS", () => {
  test.each([
    ["3.5", "3.5.13"],
    ["3.6", "3.6.5"],
    ["3.7", "3.7.2"],
    ["3.8", "3.8.0~beta6"],
  ])("%s reports the version %s", async (version, full) => {
    await start(version);

    expect((await ask(region, "GET", "version/", [], { key: undefined })).body).toMatchObject({
      version: full,
    });
  });

  test.each([
    ["3.5", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/],
    ["3.6", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/],
    ["3.7", /Z$/],
    ["3.8", /Z$/],
  ])("%s writes times in the format %s", async (version, form) => {
    await start(version);
    const id = await addSource(region, stream.url, stream.keyring);

    const { body } = await ask(region, "GET", `boot-sources/${id}/`);

    expect(body.created).toMatch(form);
  });

  test.each([
    ["3.5", "jammy", false],
    ["3.6", "noble", true],
    ["3.7", "noble", true],
    ["3.8", "noble", true],
  ])(
    "%s commissions with %s; it has the setting for kernel crash dumps: %s",
    async (version, series, known) => {
      await start(version);

      for (const name of ["commissioning_distro_series", "default_distro_series"]) {
        expect((await ask(region, "GET", `maas/?op=get_config&name=${name}`)).body).toBe(series);
      }
      const { status } = await ask(region, "GET", "maas/?op=get_config&name=enable_kernel_crash_dump");
      expect(status).toBe(known ? 200 : 400);
    },
  );
});

describe("access to boot sources", () => {
  const refused = "User is not allowed access to this API.";

  test.each(upTo37)(
    "%s answers all users except administrators with the same 403, signed or not",
    async (version) => {
      await start(version);

      for (const key of [userKey, undefined]) {
        expect(await ask(region, "GET", "boot-sources/", [], { key })).toEqual({
          status: 403,
          body: refused,
        });
      }
    },
  );

  test("3.8 answers 401 without a signature, and 403 without the permission", async () => {
    await start("3.8");

    expect(await ask(region, "GET", "boot-sources/", [], { key: undefined })).toMatchObject({ status: 401 });
    expect(await ask(region, "GET", "boot-sources/", [], { key: userKey })).toEqual({
      status: 403,
      body: "User does not have permission to perform this operation. The user should have permission 'can_edit_boot_entities'",
    });
  });
});

describe("the default source", () => {
  test.each([
    ["3.5", "http://images.maas.io/ephemeral-v3/stable/", "jammy"],
    ["3.6", "http://images.maas.io/ephemeral-v3/stable/", "noble"],
    ["3.7", "http://images.maas.io/ephemeral-v3/stable/", "noble"],
    ["3.8", "http://images.maas.io/ephemeral-v3/stable", "noble"],
  ])("of %s has the URL %s and selects %s", async (version, url, release) => {
    region = await RegionProcess.start(version);

    const { body } = await ask(region, "GET", "boot-sources/");

    const named = { name: "MAAS Stable", priority: 1, enabled: true, skip_keyring_verification: false };
    const keyring_filename = "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg";
    expect(body).toMatchObject([{ id: 1, url, keyring_filename, ...(version === "3.8" ? named : {}) }]);
    expect((await ask(region, "GET", "boot-sources/1/selections/")).body).toMatchObject([
      { os: "ubuntu", release, subarches: ["*"], labels: ["*"] },
    ]);
  });

  test.each(upTo37)("is made again by %s at an import without any source", async (version) => {
    await start(version);

    await ask(region, "POST", "boot-resources/?op=import");

    await until("the default source", 10_000, async () => {
      return (await ask(region, "GET", "boot-sources/")).body.length === 1;
    });
  });

  test("is not made again by 3.8", async () => {
    await start("3.8");

    await ask(region, "POST", "boot-resources/?op=import");
    const id = await addSource(region, stream.url, stream.keyring);
    await select(region, id, "ubuntu", "noble");

    expect((await ask(region, "GET", "boot-sources/")).body).toHaveLength(1);
  });
});

describe("the fields of a boot source", () => {
  test.each(upTo37)(
    "in %s include the unchanged URL, and require a keyring also for unsigned streams",
    async (version) => {
      await start(version);
      const id = await addSource(region, stream.url, stream.keyring, { name: "mine", priority: "7" });

      const { body } = await ask(region, "GET", `boot-sources/${id}/`);

      expect(body.url).toBe(stream.url);
      expect(Object.keys(body)).not.toEqual(expect.arrayContaining(["name"]));
      const unsigned = fieldsOf({ url: `${stream.url}streams/v1/index.json` });
      expect((await ask(region, "POST", "boot-sources/", unsigned)).status).toBe(400);
    },
  );

  test("in 3.8 include a name, a priority and a switch, and the URL without a slash at the end", async () => {
    await start("3.8");
    const first = await addSource(region, stream.url, stream.keyring);
    const url = `${stream.url}streams/v1/index.json`;
    const second = (await ask(region, "POST", "boot-sources/", fieldsOf({ url, enabled: "false" }))).body;

    const own = stream.url.replace(/\/$/, "");
    const defaults = { enabled: true, skip_keyring_verification: false };
    const { body } = await ask(region, "GET", `boot-sources/${first}/`);
    expect(body).toMatchObject({ url: own, name: own, priority: 1, ...defaults });
    expect(second).toMatchObject({ url, priority: 2, enabled: false, skip_keyring_verification: true });
    const taken = fieldsOf({ url: "http://other.internal/", keyring_filename: "/x", priority: "2" });
    expect(await ask(region, "POST", "boot-sources/", taken)).toMatchObject({ status: 400 });
  });
});

describe("the fetch of sources", () => {
  test.each([
    ["3.5", 1],
    ["3.6", 1],
    ["3.7", 1],
    ["3.8", 2],
  ])("%s fetches the first source %i times when it and another one are made", async (version, times) => {
    await start(version);
    await addSource(region, stream.url, stream.keyring);
    const second = await addSource(region, `${stream.url}streams/v1/index.json`, stream.keyring);

    await select(region, second, "ubuntu", "noble");

    await until("the fetches", 10_000, () => index("sjson") >= times);
    expect(index("sjson")).toBe(times);
  });

  test.each([
    ["3.5", 2],
    ["3.6", 2],
    ["3.7", 1],
  ])("%s fetches the first source %i times when the proxy is set between the two", async (version, times) => {
    await start(version);
    await addSource(region, stream.url, stream.keyring);
    await ask(region, "POST", "maas/?op=set_config", fieldsOf({ name: "enable_http_proxy", value: "true" }));
    const second = await addSource(region, `${stream.url}streams/v1/index.json`, stream.keyring);

    await select(region, second, "ubuntu", "noble");

    await until("the fetches", 10_000, () => index("sjson") >= times);
    expect(index("sjson")).toBe(times);
  });

  test.each(upTo37)("%s sends no notification about a wrong key", async (version) => {
    await start(version);
    await addSource(region, "http://first.internal/", stream.keyring);
    const wrong = readFileSync((await archiveKey("stranger")).keyringFile);
    const id = await addSource(region, stream.url, wrong);
    await until("the fetch", 10_000, () => index("sjson") > 0);
    await ask(region, "DELETE", `boot-sources/${id}/`);
    const right = await addSource(region, stream.url, stream.keyring);
    await select(region, right, "ubuntu", "noble");

    const { body } = await ask(region, "GET", "notifications/");

    expect(body.filter(({ message }: { readonly message: string }) => message.includes(stream.url))).toEqual(
      [],
    );
  });

  test("3.8 sends a notification about a wrong key", async () => {
    await start("3.8");
    await addSource(region, stream.url, readFileSync((await archiveKey("stranger")).keyringFile));

    await until("a notification", 10_000, async () => {
      const { body } = await ask(region, "GET", "notifications/");
      return body.some(({ message }: { readonly message: string }) => message.includes("signed"));
    });
  });

  test("3.8 rejects a whole source if it has one image that 3.8 does not know", async () => {
    const whole = await StreamServer.start(recordedImages);
    try {
      await start("3.8");
      const id = await addSource(region, whole.url, whole.keyring);

      await until("a notification", 10_000, async () => {
        const { body } = await ask(region, "GET", "notifications/");
        return body.some(({ message }: { readonly message: string }) => message.includes("invalid data"));
      });
      const wanted = fieldsOf({ os: "ubuntu", release: "noble", arches: "amd64" });
      const { body } = await ask(region, "POST", `boot-sources/${id}/selections/`, wanted);
      expect(body).toHaveProperty("os");
    } finally {
      whole.stop();
    }
  });
});

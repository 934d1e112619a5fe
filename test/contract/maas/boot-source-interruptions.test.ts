import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { until } from "../../../lab/until.ts";
import { BootSourceFixture, nobleImages, type Version } from "./boot-source-fixture.ts";

let fixture: BootSourceFixture;
afterEach(() => fixture.stop());

/**
 * The requests of an update of a new MAAS that change something or read the state of the import, in order.
 */
const requests = ["make", "select", "delete", "import", "is_importing"];
/** The requests if MAAS stops reading indices at its default source, which it cannot reach. */
const stopped = ["make", "delete", "refresh", "select", "import", "is_importing", "notification"];
const moments = (of: readonly string[], ...when: string[]) =>
  of.flatMap((request, number) => when.map((side) => [side, request, number] as const));

describe.each<[Version, ReturnType<typeof moments>]>([
  ["3.6", moments(requests, "before", "after")],
  ["3.8", moments(requests, "after")],
])("an update of MAAS %s", (version, all) => {
  test.each(all)(
    "that is killed %s the request %s is completed by the next one, which knows the previous state",
    async (when, _request, number) => {
      fixture = await BootSourceFixture.start(version);
      const before = await fixture.sources();
      const notified = await fixture.notifications();
      dieAt(fixture, number, when === "after");
      await expect(fixture.up()).rejects.toThrow("killed");
      fixture.host.before = () => {};
      expect((await fixture.sources()).length).toBeGreaterThan(0);
      // The process's result is lost. Only the host's ledger has it.
      const made = await fixture.up();
      expect(await fixture.sources()).toEqual([`${fixture.url} noble`]);
      expect(await fixture.look(fixture.declared(), made)).toEqual(fixture.declared());
      expect(made.before.map(({ url }) => url.replace(/\/$/, ""))).toEqual(
        before.map((source) => source.split(" ")[0]),
      );
      expect(await fixture.notifications()).toEqual(notified);
    },
  );
});

test.each(moments(stopped, "after"))(
  "MAAS 3.6: after an update that deletes a source first is killed %s %s, the next adds no notification",
  async (when, _request, number) => {
    fixture = await BootSourceFixture.start("3.6");
    const [{ id, url }] = (await fixture.region.get("boot-sources/")).json;
    await fixture.region.put(`boot-sources/${id}/`, { url, keyring_filename: "/not/there.gpg" });
    const notified = await fixture.notifications();
    dieAt(fixture, number, when === "after");
    await expect(fixture.up()).rejects.toThrow("killed");
    fixture.host.before = () => {};
    await fixture.up();
    expect(await fixture.sources()).toEqual([`${fixture.url} noble`]);
    expect(await fixture.notifications()).toEqual(notified);
  },
);

test.each([0, 1, 2, 3, 4, 5, 6])(
  "after a destroy that is killed after %i changes, the next one restores MAAS, without new notifications",
  async (number) => {
    fixture = await BootSourceFixture.start("3.6");
    const before = await fixture.sources();
    const notified = await fixture.notifications();
    const made = await fixture.up();
    let changes = 0;
    fixture.host.before = (request) => {
      if (!request.startsWith("GET ")) changes++;
      if (changes > number) throw new Error("killed");
    };
    await expect(fixture.destroy(made)).rejects.toThrow("killed");
    fixture.host.before = () => {};
    await fixture.destroy(made);
    expect(await fixture.sources()).toEqual(before);
    expect(await fixture.notifications()).toEqual(notified);
  },
);

function dieAt(on: BootSourceFixture, number: number, after: boolean): void {
  let seen = -1;
  on.host.before = (request) => {
    if (after && seen >= number) throw new Error("killed");
    if (request.startsWith("GET ") && !request.includes("is_importing")) return;
    seen++;
    if (!after && seen === number) throw new Error("killed");
  };
}

test("an import of MAAS 3.8 that ends early is started again, despite a notification about another source", async () => {
  fixture = await BootSourceFixture.start("3.8");
  const { region, host, mirror } = fixture;
  let ended = false;
  host.before = async (request) => {
    if (request.endsWith("?op=import") && !ended) mirror.hold("squashfs");
    if (!request.includes("op=is_importing") || ended) return;
    ended = true;
    await until("the import", 10_000, () => region.isImporting());
    await region.post("boot-resources/?op=stop_import");
    await until("its end", 10_000, async () => !(await region.isImporting()));
    mirror.release();
  };
  await fixture.up(fixture.declared({ exclusive: false }));
  expect((await region.notifications()).get("Image importer")).toMatch(/ephemeral-v3\/stable/);
  expect(await region.images()).toEqual(expect.arrayContaining(nobleImages));
});

describe("MAAS 3.6", () => {
  test("that is restarted during an import has all images at the end of the update", async () => {
    fixture = await BootSourceFixture.start("3.6");
    holdImport(fixture);
    const updated = fixture.up();
    await until("the import", 10_000, () => fixture.said.some((line) => line.startsWith("MAAS imports")));
    await fixture.region.kill();
    fixture.mirror.release();
    await fixture.region.boot();
    await updated;
    expect(await fixture.look()).toEqual(fixture.declared());
  });

  test("that answers 502 for some time: reads wait for it, a change fails and is left to the next update", async () => {
    fixture = await BootSourceFixture.start("3.6");
    await fixture.region.control({ badGatewayFor: 1 });
    await fixture.look();
    let once = true;
    fixture.host.before = async (request) => {
      if (once && request.startsWith("POST ")) {
        once = false;
        await fixture.region.control({ badGatewayFor: 1 });
      }
    };
    expect(await fixture.refusal()).toMatch(/502/);
    await until("MAAS", 5000, async () => (await fixture.region.get("version/")).status === 200);
    await fixture.up();
    expect(await fixture.look()).toEqual(fixture.declared());
  });

  test("with slow answers and a clock ten minutes ahead is updated, and the clock is reported", async () => {
    fixture = await BootSourceFixture.start("3.6");
    await fixture.region.control({ slow: 0.3, clockOffset: 600 });
    const made = await fixture.up();
    await fixture.region.control({ slow: 0 });
    expect(await fixture.look(fixture.declared(), made)).toEqual(fixture.declared());
    expect(fixture.said.join("\n")).toMatch(/MAAS's clock is 10 minutes ahead/);
  });

  test("with a full disk is reported as lacking images, and gets them once there is free space", async () => {
    fixture = await BootSourceFixture.start("3.6");
    await fixture.region.control({ diskFull: true });
    expect(await fixture.refusal()).toMatch(
      /these images are not complete: .*ubuntu\/noble amd64\/ga-24.04 \(0 % of 20260210\).*\n.*free space for images there/,
    );
    await fixture.region.control({ diskFull: false });
    await fixture.up();
    expect(await fixture.region.images()).toEqual(expect.arrayContaining(nobleImages));
  });

  test("that hangs at its previous source has it deleted first, and then reads the mirror's index", async () => {
    fixture = await BootSourceFixture.start("3.6");
    const { region, host } = fixture;
    // The update finds no images, and MAAS never gets any.
    let hangs = false;
    const server = createServer((_, response) => {
      if (!hangs) response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const [{ id, keyring_filename }] = (await region.get("boot-sources/")).json;
    await region.put(`boot-sources/${id}/`, { url, keyring_filename });
    const notified = await fixture.notifications();
    host.before = (request) => {
      if (request.startsWith("POST ")) hangs = true;
    };
    await fixture.up();
    expect(fixture.said.join("\n")).toMatch(
      /MAAS waits for sources that it cannot reach: they are deleted first/,
    );
    expect(await fixture.sources()).toEqual([`${fixture.url} noble`]);
    expect(await fixture.notifications()).toEqual(notified);
    server.closeAllConnections();
    server.close();
  });

  test("shows the progress of its import", async () => {
    fixture = await BootSourceFixture.start("3.6");
    holdImport(fixture);
    const updated = fixture.up();
    await until("progress", 10_000, () =>
      fixture.said.some((line) => /of \d+ images are complete; ubuntu\/noble amd64\/.*: \d+ %/.test(line)),
    );
    fixture.mirror.release();
    await updated;
  });

  test("causes a warning if it fetches images through its proxy, without the proxy's password", async () => {
    fixture = await BootSourceFixture.start("3.6");
    await fixture.region.post("maas/?op=set_config", {
      name: "http_proxy",
      value: "http://me:secret@10.0.0.1:3128/",
    });
    await fixture.region.post("maas/?op=set_config", { name: "boot_images_no_proxy", value: "true" });
    await fixture.up();
    expect(fixture.said.join("\n")).not.toMatch(/warning: MAAS fetches images through/);
    await fixture.region.post("maas/?op=set_config", { name: "boot_images_no_proxy", value: "false" });
    await fixture.up();
    expect(fixture.said.join("\n")).toMatch(
      /warning: MAAS fetches images through its proxy http:\/\/10.0.0.1/,
    );
    expect(fixture.said.join("\n")).not.toContain("secret");
  });
});

/** Blocks the import at its first large file. Before that all files are served. */
function holdImport(on: BootSourceFixture): void {
  on.host.before = (request) => {
    if (!request.endsWith("?op=import")) return;
    on.mirror.hold("squashfs");
    on.host.before = () => {};
  };
}

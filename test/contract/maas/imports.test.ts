import { afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { recordedImages } from "../../../lab/images/image-sets.ts";
import type { ImageProduct, ProductList } from "../../../lab/images/stream.ts";
import { until } from "../../../lab/until.ts";
import { imagesKeyring, Mirror } from "./mirror.ts";
import { Region } from "./region.ts";
import { deadPort } from "./stream-server.ts";

const bootloaders = [
  "grub-efi-signed/uefi amd64/generic",
  "grub-efi/uefi arm64/generic",
  "pxelinux/pxe i386/generic",
];
const rocky = "rhel/rocky9 amd64/generic";
const centos = "centos/centos8 amd64/generic";

let mirror: Mirror;
let keyring: Buffer;
let region: Region;

beforeAll(async () => {
  keyring = await imagesKeyring();
});

beforeEach(async () => {
  mirror = await Mirror.start();
});

afterEach(async () => {
  await region?.stop();
  mirror.stop();
});

/** A region with a fetched source of the mirror, id 2, and these selections of it. */
async function regionWith(selected: readonly string[]): Promise<number> {
  region = await Region.start();
  const first = await region.addSource("http://first.internal/", Buffer.from("x"));
  const source = await region.addSource(mirror.url, keyring);
  await region.delete(`boot-sources/${first}/`);
  for (const name of selected) {
    const [os = "", release = ""] = name.split("/");
    await region.select(source, os, release);
  }
  return source;
}

/** The versions of an image by their serials, each with its files. */
async function versionsOf(name: string) {
  const { json } = await region.get("boot-resources/");
  const { id } = json.find((image: { name: string }) => image.name === name);
  return (await region.get(`boot-resources/${id}/`)).json.sets;
}

/** The newest version of an image, with its files. */
async function latest(name: string) {
  const sets = await versionsOf(name);
  return sets[Object.keys(sets).sort().at(-1) ?? ""];
}

describe("an import", () => {
  test("imports only the newest version of each selected image, and all boot loaders", async () => {
    await mirror.publish(withSerials("rocky9", ["20251201", "20260301", "20260101"]));
    await regionWith(["rhel/rocky9", "centos/centos8"]);
    await region.import();

    expect(await region.images()).toEqual([centos, ...bootloaders, rocky]);
    expect(Object.keys(await versionsOf("rhel/rocky9"))).toEqual(["20260301"]);
    expect(mirror.asked.filter((path) => path.includes("/rocky9/"))).toEqual([
      expect.stringMatching(/\/20260301\/root-tgz$/),
    ]);
    expect(Object.keys(await versionsOf("grub-efi-signed/uefi"))).toEqual(["20221029.0"]);
    const set = await latest("grub-efi-signed/uefi");
    expect(set).toMatchObject({ version: "20221029.0", label: "stable", complete: true });
    expect(Object.keys(set.files).sort()).toEqual(["grub2-signed.tar.xz", "shim-signed.tar.xz"]);
    expect(set.files["shim-signed.tar.xz"]).toMatchObject({ filetype: "archive.tar.xz", complete: true });
    expect(Object.keys((await latest("rhel/rocky9")).files)).toEqual(["root-tgz"]);
  });

  test("fetches a file that several images share only once", async () => {
    await regionWith(["ubuntu/noble"]);
    await region.import();

    expect(mirror.asks("noble/amd64/20260210/squashfs")).toBe(1);
    expect(await region.images()).toContain("ubuntu/noble amd64/ga-24.04-lowlatency");
  });

  test("fetches nothing again when it runs a second time", async () => {
    await regionWith(["rhel/rocky9"]);
    await region.import();
    await region.import();

    expect(mirror.asks("rhel/rocky9/amd64/20260101/root-tgz")).toBe(1);
  });

  test("replaces the old version of an image by the new one", async () => {
    await regionWith(["rhel/rocky9"]);
    await region.import();
    await mirror.publish(withSerials("rocky9", ["20260101", "20260301"]));
    await region.import();

    expect((await latest("rhel/rocky9")).version).toBe("20260301");
  });

  test("keeps the old version while a file of the new one cannot be fetched", async () => {
    await regionWith(["rhel/rocky9"]);
    await region.import();
    await mirror.publish(withSerials("rocky9", ["20260101", "20260301"]));
    mirror.instead.set("20260301/root-tgz", undefined);
    await region.import();

    const sets = await versionsOf("rhel/rocky9");
    expect(sets["20260101"].complete).toBe(true);
    expect(sets["20260301"]).toMatchObject({ complete: false, progress: 0 });
    expect(region.log).toContain("Importing boot resources failed.");
  });

  test.each([
    ["is longer than listed", (size: number) => size + 1],
    ["has the listed size, but differs", (size: number) => size],
  ])("does not accept content that %s", async (_, sizeOf) => {
    await regionWith(["rhel/rocky9"]);
    const size = await promisedSize("root-tgz");
    mirror.instead.set("rocky9/amd64/20260101/root-tgz", Buffer.alloc(sizeOf(size)));
    await region.import();

    expect((await latest("rhel/rocky9")).complete).toBe(false);
  });

  test("fetches an image that several sources have from the first of them", async () => {
    await regionWith(["rhel/rocky9"]);
    const newer = await Mirror.start(withSerials("rocky9", ["20260301"]));
    await region.select(await region.addSource(newer.url, keyring), "rhel", "rocky9");
    await region.import();
    newer.stop();

    expect((await latest("rhel/rocky9")).version).toBe("20260101");
    expect(newer.asks("root-tgz")).toBe(0);
  });

  test("skips an image that needs a newer MAAS", async () => {
    await mirror.publish(withFields("rocky9", { maas_supported: "3.7" }));
    await regionWith(["rhel/rocky9", "centos/centos8"]);
    await region.import();

    expect(await region.images()).toEqual([centos, ...bootloaders]);
  });

  test("imports nothing for a selection with an empty list, and deletes its existing images", async () => {
    const source = await regionWith(["rhel/rocky9"]);
    const everything = { arches: "amd64", subarches: "*", labels: "*" };
    const asked = { os: "centos", release: "centos8", ...everything };
    const { json } = await region.post(`boot-sources/${source}/selections/`, asked);
    await region.import();
    const before = await region.images();
    await region.send("PUT", `boot-sources/${source}/selections/${json.id}/`, {
      body: JSON.stringify({ labels: [] }),
      headers: { "Content-Type": "application/json" },
    });
    await region.import();

    expect(before).toContain(centos);
    expect(await region.images()).toEqual([...bootloaders, rocky]);
  });

  test.each(["first", "second", "last"])(
    "stops if one of several sources is unreachable, and imports nothing: the %s one",
    async (position) => {
      const more = [await Mirror.start(), await Mirror.start()];
      const sources = [await regionWith(["rhel/rocky9"])];
      for (const { url } of more) sources.push(await region.addSource(url, keyring));
      for (const id of sources.slice(1)) await region.select(id, "rhel", "rocky9");
      const id = sources.at(["first", "second", "last"].indexOf(position));
      const dead = `http://127.0.0.1:${await deadPort()}/`;
      await region.put(`boot-sources/${id}/`, { url: dead, keyring_data: keyring });
      await region.import();

      expect(await region.images()).toEqual([]);
      for (const one of [mirror, ...more]) expect(one.asks("root-tgz")).toBe(0);
      expect((await region.notifications()).get("Image importer")).toContain(
        `Failed to import images from ${dead}`,
      );
      for (const one of more) one.stop();
    },
  );

  test("ends if the disk is full, and the image is not complete", async () => {
    const source = await regionWith(["rhel/rocky9"]);
    await region.import();
    await region.control({ diskFull: true });
    await region.select(source, "centos", "centos8");
    await region.import();

    expect(region.log).toContain("enough disk space");
    expect((await latest("centos/centos8")).complete).toBe(false);
    expect((await latest("rhel/rocky9")).complete).toBe(true);
  });

  test("makes MAAS's default source if there is no source", async () => {
    region = await Region.start({ env: { MAAS_DEFAULT_IMAGES_URL: "http://images.invalid/stable/" } });
    await region.import();

    const { json } = await region.get("boot-sources/");
    expect(json).toMatchObject([
      {
        url: "http://images.invalid/stable/",
        keyring_filename: "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg",
      },
    ]);
    const selected = (await region.get(`boot-sources/${json[0].id}/selections/`)).json;
    expect(selected).toMatchObject([{ os: "ubuntu", release: "noble", subarches: ["*"], labels: ["*"] }]);
  });

  test("runs when MAAS starts, and imports from the default source", async () => {
    const { keyringFile } = await archiveKey("images");
    const env = { MAAS_DEFAULT_IMAGES_URL: mirror.url, MAAS_IMAGES_KEYRING_FILEPATH: keyringFile };
    region = await Region.start({ importInterval: 3600, env });
    await region.importEnds(1);

    expect(await region.images()).toContain("ubuntu/noble amd64/ga-24.04");
  });

  test("uses the configured proxy, unless boot_images_no_proxy excludes mirrors from it", async () => {
    region = await Region.start();
    const set = (name: string, value: string) => region.post("maas/?op=set_config", { name, value });
    await set("http_proxy", mirror.url);
    await region.addSource("http://mirror.internal/", keyring);
    await region.import();
    // A change of the proxy makes MAAS fetch its sources too.
    await region.refreshEnds(1);
    const through = await region.images();
    await set("boot_images_no_proxy", "true");
    const before = mirror.asked.length;
    await region.import();

    expect(through).toEqual(bootloaders);
    expect(mirror.asked).toContain("http://mirror.internal/streams/v1/index.sjson");
    expect(mirror.asked.slice(before)).toEqual([]);
    expect((await region.notifications()).get("Image importer")).toContain("http://mirror.internal/");
  });
});

describe("while an import runs", () => {
  const file = "rocky9/amd64/20260101/root-tgz";

  beforeEach(async () => {
    await regionWith(["rhel/rocky9"]);
    mirror.hold(file);
    await region.post("boot-resources/?op=import");
    await until("the file to be asked for", 10_000, () => mirror.asks(file) === 1);
  });

  test("a second import is not started", async () => {
    const { status, text } = await region.post("boot-resources/?op=import");
    await until("it to be skipped", 5000, () => region.log.includes("another import is already running"));
    mirror.release();
    await region.importEnds(1);

    expect([status, text]).toEqual([200, "Import of boot resources started"]);
    expect(mirror.asks(file)).toBe(1);
  });

  test("images are listed, but are not complete", async () => {
    const importing = await region.isImporting();
    const set = await latest("rhel/rocky9");
    mirror.release();
    await region.importEnds(1);

    expect([importing, set.complete, set.progress]).toEqual([true, false, 0]);
    expect((await latest("rhel/rocky9")).complete).toBe(true);
    expect(await region.isImporting()).toBe(false);
  });

  test("the import can be stopped", async () => {
    await region.post("boot-resources/?op=stop_import");
    await region.importEnds(1);

    expect(region.log).toContain("was cancelled");
    expect((await latest("rhel/rocky9")).complete).toBe(false);
  });

  test("a killed region still has its state after the restart, and the next import completes the image", async () => {
    await region.kill();
    mirror.release();
    await region.boot();
    const afterKill = (await latest("rhel/rocky9")).complete;
    await region.import();

    expect(afterKill).toBe(false);
    expect((await latest("rhel/rocky9")).complete).toBe(true);
  });

  test("an image that is selected meanwhile is imported too", async () => {
    await region.select(2, "centos", "centos8");
    mirror.release();
    await region.importEnds(1);

    expect(await region.images()).toContain(centos);
  });
});

describe("an image that is no longer selected", () => {
  test("is deleted by the next import, if another image is selected", async () => {
    const source = await regionWith(["rhel/rocky9"]);
    const selection = await region.select(source, "centos", "centos8");
    await region.import();
    await region.delete(`boot-sources/${source}/selections/${selection}/`);
    const before = await region.images();
    await region.import();

    expect(before).toContain(centos);
    expect(await region.images()).toEqual([...bootloaders, rocky]);
  });

  test("is kept if no image is selected", async () => {
    const source = await regionWith([]);
    const selection = await region.select(source, "rhel", "rocky9");
    await region.import();
    await region.delete(`boot-sources/${source}/selections/${selection}/`);
    await region.import();

    expect(await region.images()).toContain(rocky);
  });
});

function withSerials(release: string, serials: readonly string[]): ProductList[] {
  return withProducts(release, (product) => ({ ...product, serials }));
}

function withFields(release: string, fields: Readonly<Record<string, string>>): ProductList[] {
  return withProducts(release, (product) => ({ ...product, fields: { ...product.fields, ...fields } }));
}

function withProducts(release: string, change: (product: ImageProduct) => ImageProduct): ProductList[] {
  const changed = (product: ImageProduct) => (product.fields.release === release ? change(product) : product);
  return recordedImages.map((list) => ({ ...list, products: list.products.map(changed) }));
}

async function promisedSize(key: string): Promise<number> {
  const [product] = recordedImages.flatMap(({ products }) =>
    products.filter(({ fields }) => fields.release === "rocky9"),
  );
  return product?.items("20260101")[key]?.content.size ?? 0;
}

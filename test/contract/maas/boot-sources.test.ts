import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { ubuntuImages } from "../../../lab/images/image-sets.ts";
import { archiveProduct } from "../../../lab/images/products.ts";
import { BootSourceFixture, noble, nobleImages, type Version } from "./boot-source-fixture.ts";
import { imagesKeyring, Mirror } from "./mirror.ts";
import { adminKey, userKey } from "./region-process.ts";
import { deadPort } from "./stream-server.ts";

const versions: Version[] = ["3.5", "3.6", "3.7", "3.8"];

let fixture: BootSourceFixture;
afterEach(() => fixture.stop());

describe.each(versions)("MAAS %s", (version) => {
  beforeEach(async () => {
    fixture = await BootSourceFixture.start(version);
  });

  test("as installed is set to the mirror and imports, and then nothing is left to do", async () => {
    const notified = await fixture.notifications();
    const made = await fixture.up();
    expect(await fixture.notifications()).toEqual(notified);
    expect(await fixture.sources()).toEqual([`${fixture.url} noble`]);
    expect(await fixture.region.images()).toEqual(expect.arrayContaining(nobleImages));
    fixture.host.requests.length = 0;
    expect(await fixture.look(fixture.declared(), made)).toEqual(fixture.declared());
    // The list of sources, one of selections, the list of images, and one request for each image.
    expect(fixture.host.requests).toHaveLength(3 + nobleImages.length);
  });

  test("has its previous source restored by a destroy", async () => {
    const before = await fixture.sources();
    const notified = await fixture.notifications();
    await fixture.destroy(await fixture.up());
    // Since 3.8 the release is really no longer selected, nor is noble if 3.5 had jammy before.
    if (version === "3.6" || version === "3.7") expect(await fixture.notifications()).toEqual(notified);
    // Before 3.8 MAAS makes its default source with its selection again. Since 3.8 an unreachable image
    // cannot be selected.
    const lost = version === "3.8" ? before.map((source) => source.replace(/ .*/, "")) : before;
    expect(before).toEqual([expect.stringContaining("/ephemeral-v3/stable")]);
    expect(await fixture.sources()).toEqual(lost);
    const said = fixture.said.join("\n");
    if (version === "3.8") {
      expect(said).toMatch(/ubuntu\/noble cannot be selected again from/);
      expect(said).toMatch(/the images from http:\S+ were deleted with it, as always since MAAS 3\.8/);
      expect((await fixture.region.images()).filter((image) => image.startsWith("ubuntu/"))).toEqual([]);
    } else {
      expect(said).toMatch(/MAAS keeps its images until its next import/);
      expect(await fixture.region.images()).toEqual(expect.arrayContaining(nobleImages));
    }
  });

  test("has its previous sources restored by a destroy, if it had more than its default source", async () => {
    const other = await Mirror.start(ubuntuImages);
    const id = await fixture.region.addSource(other.url, await imagesKeyring());
    await fixture.region.select(id, "ubuntu", "noble");
    const before = await fixture.sources();
    await fixture.destroy(await fixture.up());
    // Since 3.8 an unreachable image cannot be selected.
    const own = (source: string) => source.includes("/ephemeral-v3/");
    const lost = before.map((source) =>
      version === "3.8" && own(source) ? source.replace(/ .*/, "") : source,
    );
    expect((await fixture.sources()).sort()).toEqual(lost.sort());
    expect(fixture.said.join("\n").includes("cannot be selected again")).toBe(version === "3.8");
    other.stop();
  });

  test("keeps its images until those of the new mirror are imported", async () => {
    const { region, mirror } = fixture;
    await fixture.up();
    // Another mirror replaces one that no longer runs, and then the import fails.
    const other = await Mirror.start(ubuntuImages);
    const declared = fixture.declared({
      sources: { mirror: { url: other.url, keyring: fixture.keyring, selections: [noble] } },
    });
    mirror.stop();
    fixture.host.before = (request) => {
      if (/op=import/.test(request)) throw new Error("the network broke");
    };
    await expect(fixture.up(declared)).rejects.toThrow();
    fixture.host.before = () => {};
    expect(await region.images()).toEqual(expect.arrayContaining(nobleImages));
    other.stop();
  });

  test("has only the declared fallback as its source after a destroy", async () => {
    const other = await Mirror.start(ubuntuImages);
    const fallback = { url: other.url, keyring: fixture.keyring };
    const made = await fixture.up(fixture.declared({ fallback }));
    await fixture.destroy(made, fixture.declared({ fallback }));
    expect(await fixture.sources()).toEqual([other.url.slice(0, -1)]);
    other.stop();
  });

  test("that somebody partly configured is corrected", async () => {
    const { region, mirror } = fixture;
    const [first] = (await region.get("boot-sources/")).json;
    const data = await imagesKeyring();
    const id = await region.addSource(mirror.url.slice(0, -1), data);
    await region.addSource(`http://127.0.0.1:${await deadPort()}/`, data);
    const selection = await region.select(id, "ubuntu", "noble");
    await region.send("PUT", `boot-sources/${id}/selections/${selection}/`, {
      body: JSON.stringify({ subarches: [], labels: [] }),
      headers: { "Content-Type": "application/json" },
    });
    await region.put(`boot-sources/${first.id}/`, { url: first.url, keyring_filename: "/not/there.gpg" });
    const notified = await fixture.notifications();
    await fixture.up();
    expect(await fixture.notifications()).toEqual(notified);
    expect(await fixture.sources()).toEqual([`${fixture.url} noble`]);
    expect((await region.get(`boot-sources/${id}/`)).status).toBe(200);
    expect(await fixture.look()).toEqual(fixture.declared());
  });

  test("imports new versions from the mirror", async () => {
    const made = await fixture.up();
    const newer = ubuntuImages.map((list) => ({
      ...list,
      products: list.products.map((product) =>
        product.fields.release === "noble"
          ? { ...product, serials: [...product.serials, "20260301"] }
          : product,
      ),
    }));
    await fixture.mirror.publish(newer, "images", new Date("2026-11-24T06:06:27Z"));
    const wanted = fixture.declared({
      images: Object.fromEntries(nobleImages.map((image) => [image, "20260301"])),
    });
    expect((await fixture.look(wanted, made)).images).toEqual(fixture.declared().images);
    fixture.takeChanges();
    await fixture.up(wanted, made);
    expect(fixture.takeChanges()).toEqual(["POST /MAAS/api/2.0/boot-resources/?op=import"]);
    expect(await fixture.look(wanted, made)).toEqual(wanted);
  });

  test("shows a changed selection, keyring or list of sources, and is repaired", async () => {
    const made = await fixture.up();
    const { region } = fixture;
    const [{ id }] = (await region.get("boot-sources/")).json;
    const [{ id: selection }] = (await region.get(`boot-sources/${id}/selections/`)).json;
    await region.put(`boot-sources/${id}/selections/${selection}/`, { subarches: "ga-24.04" });
    await region.select(id, "centos", "centos9");
    await region.addSource("http://127.0.0.1:59999/other/", Buffer.from("x"));
    const drifted = await fixture.look(fixture.declared(), made);
    expect(drifted.sources.images?.selections).toMatchObject([
      { release: "noble", subarches: ["ga-24.04"] },
      { release: "centos9" },
    ]);
    expect(drifted.status).toEqual({ others: expect.stringMatching("^http://127.0.0.1:59999/other/?$") });
    await fixture.up(fixture.declared(), made);
    expect(await fixture.look(fixture.declared(), made)).toEqual(fixture.declared());

    await region.put(`boot-sources/${id}/`, {
      url: fixture.mirror.url,
      keyring_data: Buffer.from("another"),
    });
    expect((await fixture.look(fixture.declared(), made)).sources.images?.keyring).toBe(
      Buffer.from("another").toString("base64"),
    );
    await fixture.up(fixture.declared(), made);
    await region.delete(`boot-sources/${id}/`);
    expect((await fixture.look(fixture.declared(), made)).sources).toEqual({});
    await fixture.up(fixture.declared(), made);
    expect(await fixture.look(fixture.declared(), made)).toEqual(fixture.declared());
  });
});

describe("before it writes anything, an update refuses what MAAS never reports:", () => {
  beforeEach(async () => {
    fixture = await BootSourceFixture.start("3.6");
  });
  afterEach(() => {
    expect(fixture.takeChanges()).toEqual([]);
  });

  test("a stream that is signed by another key than the keyring's", async () => {
    await fixture.mirror.publish(ubuntuImages, "stranger");
    expect(await fixture.refusal()).toMatch(/no good signature by .*\n.*MAAS would import nothing/);
  });

  test("a changed index", async () => {
    fixture.mirror.instead.set("index.sjson", Buffer.from("-----BEGIN PGP SIGNED MESSAGE-----\n"));
    expect(await fixture.refusal()).toMatch(/not one clearsigned text/);
  });

  test("an armored keyring", async () => {
    const armored = Buffer.from((await archiveKey("images")).publicArmored).toString("base64");
    const sources = { images: { url: fixture.mirror.url, keyring: armored, selections: [noble] } };
    expect(() => fixture.declared({ sources })).toThrow(/armored text, which MAAS's gpgv cannot read/);
  });

  test("a missing file and a truncated file", async () => {
    fixture.mirror.instead.set("ga-24.04/generic/boot-kernel", undefined);
    expect(await fixture.refusal()).toMatch(
      /: 1 of \d+ differ from its index:\n {4}\S+\/ga-24\.04\/generic\/boot-kernel: the server answered 404/,
    );
    fixture.mirror.instead.set("squashfs", Buffer.from("short"));
    const both = await fixture.refusal();
    expect(both).toMatch(/: 2 of \d+ differ from its index:/);
    expect(both).toMatch(/\n {4}\S+\/ga-24\.04\/generic\/boot-kernel: the server answered 404/);
    expect(both).toMatch(/\n {4}\S+\/squashfs: 5 bytes, not \d+\n/);
  });

  test("a mirror that does not answer, or has no stream at the URL", async () => {
    const source = { keyring: fixture.keyring, selections: [noble] };
    const gone = `http://127.0.0.1:${await deadPort()}/`;
    expect(
      await fixture.refusal(fixture.declared({ sources: { images: { ...source, url: gone } } })),
    ).toMatch(/ECONNREFUSED/);
    const empty = `${fixture.mirror.url}nothing/`;
    expect(
      await fixture.refusal(fixture.declared({ sources: { images: { ...source, url: empty } } })),
    ).toMatch(/answered 404\n.*index.sjson is below/);
  });

  test("a release or an architecture that the mirror does not have", async () => {
    const sources = (changes: object) => ({
      images: { url: fixture.mirror.url, keyring: fixture.keyring, selections: [{ ...noble, ...changes }] },
    });
    const refusal = (changes: object) =>
      fixture.refusal(fixture.declared({ sources: sources(changes), images: {} }));
    expect(await refusal({ release: "focal" })).toMatch(
      /it has no ubuntu\/focal, only .*ubuntu\/noble amd64/,
    );
    expect(await refusal({ arches: ["amd64", "s390x"] })).toMatch(/no ubuntu\/noble for s390x/);
  });

  test("a mirror with a newer image than in the preview", async () => {
    const images = { "ubuntu/noble amd64/ga-24.04": "20260127" };
    expect(await fixture.refusal(fixture.declared({ images }))).toMatch(
      /ubuntu\/noble amd64\/ga-24.04 20260210, not 20260127\n.*run the preview again/,
    );
  });

  test("another source that is unreachable and is not deleted", async () => {
    expect(await fixture.refusal(fixture.declared({ exclusive: false }))).toMatch(
      /every import stops there without an error message:\n.*ephemeral-v3.*ECONNREFUSED/,
    );
  });

  test("another source whose keyring file is not on the region host", async () => {
    const { region } = fixture;
    const [{ id, url }] = (await region.get("boot-sources/")).json;
    await region.put(`boot-sources/${id}/`, { url, keyring_filename: "/not/there.gpg" });
    expect(await fixture.refusal(fixture.declared({ exclusive: false }))).toMatch(
      /its keyring \/not\/there.gpg is not on the region host/,
    );
  });
});

describe("two sources on MAAS 3.6", () => {
  const rocky = {
    contentId: "local:stable:rhel-rocky9-download",
    products: [
      archiveProduct({
        name: "local.stable:rhel-bases:rocky9:amd64",
        fields: {
          os: "rhel",
          arch: "amd64",
          release: "rocky9",
          release_title: "Rocky Linux 9",
          version: "9",
        },
        serials: ["20260101"],
      }),
    ],
  };
  let second: Mirror;
  beforeEach(async () => {
    fixture = await BootSourceFixture.start("3.6");
    second = await Mirror.start([rocky]);
  });
  afterEach(() => second.stop());

  const both = () => {
    const wanted = fixture.declared();
    const own = {
      url: second.url,
      keyring: fixture.keyring,
      selections: [{ ...noble, os: "rhel", release: "rocky9" }],
    };
    return fixture.declared({
      sources: { ...wanted.sources, rocky9: own },
      images: { ...wanted.images, "rhel/rocky9 amd64/generic": "20260101" },
    });
  };

  test("are kept together, and one is deleted with its images when it is no longer declared", async () => {
    const made = await fixture.up(both());
    expect(await fixture.sources()).toEqual([`${fixture.url} noble`, `${second.url.slice(0, -1)} rocky9`]);
    expect(await fixture.region.images()).toContain("rhel/rocky9 amd64/generic");
    expect(await fixture.look(both(), made)).toEqual(both());
    await fixture.up(fixture.declared(), made);
    expect(await fixture.sources()).toEqual([`${fixture.url} noble`]);
    expect(await fixture.region.images()).not.toContain("rhel/rocky9 amd64/generic");
  });

  test("do not change in MAAS if one of them is unreachable, and the error names it", async () => {
    await fixture.up(both());
    second.stop();
    // An update would make it again.
    await fixture.region.delete("boot-sources/2/");
    const [sources, images] = [await fixture.sources(), await fixture.region.images()];
    expect(sources).toEqual([`${second.url.slice(0, -1)} rocky9`]);
    fixture.takeChanges();
    expect(await fixture.refusal(both())).toMatch(new RegExp(`checking ${second.url} before`));
    expect(fixture.takeChanges()).toEqual([]);
    expect([await fixture.sources(), await fixture.region.images()]).toEqual([sources, images]);
  });
});

test("reading sixty unchanged selections takes three requests and one for each image", async () => {
  const releases = Array.from({ length: 60 }, (_, index) => `own${index}`);
  const products = releases.map((release) =>
    archiveProduct({
      name: `local.stable:rhel-bases:${release}:amd64`,
      fields: { os: "rhel", arch: "amd64", release, release_title: release, version: "9" },
      serials: ["20260101"],
    }),
  );
  fixture = await BootSourceFixture.start("3.6", [{ contentId: "local:stable:many-download", products }]);
  const wanted = fixture.declared({
    sources: {
      images: {
        url: fixture.mirror.url,
        keyring: fixture.keyring,
        selections: releases.map((release) => ({ ...noble, os: "rhel", release })),
      },
    },
    images: Object.fromEntries(releases.map((release) => [`rhel/${release} amd64/generic`, "20260101"])),
  });
  const made = await fixture.up(wanted);
  fixture.host.requests.length = 0;
  expect(await fixture.look(wanted, made)).toEqual(wanted);
  expect(fixture.host.requests).toHaveLength(3 + 60);
});

test("an API key that is not an administrator's, or is wrong or revoked, changes nothing", async () => {
  fixture = await BootSourceFixture.start("3.6");
  expect(await fixture.refusal(fixture.declared({ apiKey: userKey }))).toMatch(
    /user1.*is not an administrator/,
  );
  const wrong = `${adminKey.slice(0, -1)}2`;
  const refusal = await fixture.refusal(fixture.declared({ apiKey: wrong }));
  expect(refusal).toMatch(/refuses the API key/);
  expect(refusal).not.toContain(adminKey.split(":")[2]);
  const made = await fixture.up();
  await fixture.region.control({ revokeKeysOf: "admin" });
  await expect(fixture.look(fixture.declared(), made)).rejects.toThrow(/refuses the API key/);
  fixture.takeChanges();
  await fixture.refusal();
  expect(fixture.takeChanges()).toEqual([]);
});

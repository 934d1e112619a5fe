import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { setConfig } from "../../../maas/operations/config.ts";
import {
  createPackageRepository,
  deletePackageRepository,
  listPackageRepositories,
  updatePackageRepository,
} from "../../../maas/operations/package-repositories.ts";
import { DeclaredRegion } from "./declared-region.ts";

let maas: DeclaredRegion;
beforeAll(async () => {
  maas = await DeclaredRegion.start();
});
afterAll(() => maas.stop());
beforeEach(() => {
  maas.front.take();
  maas.forgetLogs();
});

const all = () => listPackageRepositories(maas.somebody);
const named = async (name: string) => (await all()).find((one) => one.name === name);
const writes = () => maas.front.take().filter((line) => !line.startsWith("GET"));
const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbWlycm9y\n-----END PGP PUBLIC KEY BLOCK-----\n";
const url = "http://mirror.dc1.example/ubuntu";
const declared = {
  archives: {
    main_archive: {
      url,
      key,
      disabledPockets: ["backports"],
      disabledComponents: ["multiverse", "restricted"],
    },
    ports_archive: { url: "http://mirror.dc1.example/ports" },
  },
  repositories: {
    own: {
      url: "http://mirror.dc1.example/own",
      components: ["main", "extra"],
      distributions: ["noble"],
      arches: ["amd64"],
    },
  },
};

describe("MaasArchive", () => {
  test("writes only what differs, writes nothing twice, and restores MAAS when it is deleted", async () => {
    const before = await all();
    const archive = maas.resource("MaasArchive");
    const { ids } = await archive.apply(declared);
    expect(writes()).toEqual([
      "PUT package-repositories/1/",
      "PUT package-repositories/2/",
      "POST package-repositories/",
    ]);
    expect(await named("main_archive")).toMatchObject({
      id: 1,
      url,
      key: key.trim(),
      disabledPockets: ["backports"],
      arches: ["amd64", "i386"],
    });
    expect(await named("own")).toMatchObject({
      id: ids.own,
      disableSources: true,
      components: ["main", "extra"],
    });
    expect(await archive.differing(declared)).toEqual([]);
    maas.front.take();
    await archive.apply(declared);
    expect(writes()).toEqual([]);
    await archive.delete();
    expect(await all()).toEqual(before);
  });

  test("shows what another person changed, by name, and corrects it", async () => {
    const archive = maas.resource("MaasArchive");
    await archive.apply(declared);
    await updatePackageRepository(maas.somebody, 1, { url: "http://archive.ubuntu.com/ubuntu", key: "" });
    const own = Number((await named("own"))?.id);
    await deletePackageRepository(maas.somebody, own);
    const there = await archive.read();
    expect(there.archives.main_archive).toMatchObject({ url: "http://archive.ubuntu.com/ubuntu", key: "" });
    expect(there.repositories).toEqual({});
    await archive.apply(declared);
    expect(await archive.differing(declared)).toEqual([]);
    await archive.delete();
    expect(await named("own")).toBeUndefined();
  });

  test("clears lists, and restores what is no longer declared", async () => {
    const archive = maas.resource("MaasArchive");
    await archive.apply(declared);
    await archive.apply({
      archives: { main_archive: { url, disabledComponents: [] } },
      repositories: { own: { ...declared.repositories.own, components: [], distributions: [] } },
    });
    expect(await named("main_archive")).toMatchObject({
      key: "",
      disabledComponents: [],
      disabledPockets: [],
    });
    expect(await named("own")).toMatchObject({ components: [], distributions: [] });
    expect((await named("ports_archive"))?.url).toBe("http://ports.ubuntu.com/ubuntu-ports");
    await archive.delete();
    expect((await named("main_archive"))?.url).toBe("http://archive.ubuntu.com/ubuntu");
  });

  test("adopts an existing repository, and restores it when it is deleted", async () => {
    const found = await createPackageRepository(maas.somebody, "own", {
      url: "http://old.dc1.example/own",
      components: ["old"],
      disableSources: false,
      arches: ["arm64"],
    });
    const archive = maas.resource("MaasArchive");
    const { ids } = await archive.apply({ repositories: declared.repositories });
    expect(ids.own).toBe(found.id);
    await updatePackageRepository(maas.somebody, found.id, { name: "somebody's" });
    expect((await archive.read()).repositories).toEqual({});
    await archive.apply({ repositories: declared.repositories });
    expect((await all()).filter(({ id }) => id >= found.id)).toMatchObject([{ id: found.id, name: "own" }]);
    await archive.delete();
    expect(await named("own")).toEqual(found);
    await deletePackageRepository(maas.somebody, found.id);
  });

  test("finds a renamed default archive, and of two archives changes only the one that MAAS uses", async () => {
    await updatePackageRepository(maas.somebody, 1, { name: "company" });
    const archive = maas.resource("MaasArchive");
    const { ids } = await archive.apply({ archives: { main_archive: { url } } });
    expect(ids).toEqual({ main_archive: 1 });
    expect(maas.logs.map(({ message }) => message).join("\n")).toMatch(/main_archive has the name company/);
    await archive.delete();
    await setConfig(maas.somebody, "main_archive", "http://second.dc1.example/ubuntu");
    // MAAS uses the first one, with any name.
    const ofAmd64 = async () =>
      (await all()).filter(({ arches }) => arches.includes("amd64")).map((one) => [one.name, one.url]);
    expect(await ofAmd64()).toEqual([
      ["company", "http://archive.ubuntu.com/ubuntu"],
      ["main_archive", "http://second.dc1.example/ubuntu"],
    ]);
    await updatePackageRepository(maas.somebody, 1, { name: "company again" });
    const again = maas.resource("MaasArchive");
    await again.apply({ archives: { main_archive: { url } } });
    expect(await ofAmd64()).toEqual([
      ["company again", url],
      ["main_archive", "http://second.dc1.example/ubuntu"],
    ]);
    await again.delete();
    expect(await ofAmd64()).toEqual([
      ["company again", "http://archive.ubuntu.com/ubuntu"],
      ["main_archive", "http://second.dc1.example/ubuntu"],
    ]);
  });

  test("reads a region in one request, for any number of resources", async () => {
    const resources = [maas.resource("MaasArchive"), maas.resource("MaasArchive")];
    for (const one of resources) await one.apply({ archives: { ports_archive: { url } } });
    await maas.control({ slow: 0.05 });
    maas.front.take();
    await Promise.all(resources.map((one) => one.read()));
    expect(maas.front.take()).toEqual(["GET package-repositories/"]);
    await maas.control({ slow: 0 });
    for (const one of resources.reverse()) await one.delete();
  });
});

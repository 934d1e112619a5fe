import { afterEach, describe, expect, test } from "@jest/globals";
import { until } from "../../../lab/until.ts";
import { BootSourceScene, nobleImages, type Version } from "./boot-source-scene.ts";

let scene: BootSourceScene;
afterEach(() => scene.stop());

/** The requests of an update of a new MAAS that change something, or look how the import goes, in order. */
const requests = ["make", "delete", "refresh", "select", "import", "is_importing"];
const moments = (...when: string[]) =>
  requests.flatMap((request, number) => when.map((side) => [side, request, number] as const));

describe.each<[Version, ReturnType<typeof moments>]>([
  ["3.6", moments("before", "after")],
  ["3.8", moments("after")],
])("an update of MAAS %s", (version, all) => {
  test.each(all)(
    "that is killed %s its request to %s is completed by the next one, which remembers what was there",
    async (when, _request, number) => {
      scene = await BootSourceScene.start(version);
      const before = await scene.sources();
      dieAt(scene, number, when === "after");
      await expect(scene.up()).rejects.toThrow("killed");
      scene.host.before = () => {};
      expect((await scene.sources()).length).toBeGreaterThan(0);
      // What would have been stored is lost with the process: only the host remembers.
      const made = await scene.up();
      expect(await scene.sources()).toEqual([`${scene.url} noble`]);
      expect(await scene.look(scene.declared(), made)).toEqual(scene.declared());
      expect(made.before.map(({ url }) => url.replace(/\/$/, ""))).toEqual(
        before.map((source) => source.split(" ")[0]),
      );
    },
  );
});

function dieAt(on: BootSourceScene, number: number, after: boolean): void {
  let seen = -1;
  on.host.before = (request) => {
    if (after && seen >= number) throw new Error("killed");
    if (request.startsWith("GET ") && !request.includes("is_importing")) return;
    seen++;
    if (!after && seen === number) throw new Error("killed");
  };
}

describe("MAAS 3.6", () => {
  test("that is restarted during an import has it all by the end of the update", async () => {
    scene = await BootSourceScene.start("3.6");
    holdImport(scene);
    const updated = scene.up();
    await until("the import", 10_000, () => scene.said.some((line) => line.startsWith("MAAS imports")));
    await scene.region.kill();
    scene.mirror.release();
    await scene.region.boot();
    await updated;
    expect(await scene.look()).toEqual(scene.declared());
  });

  test("whose proxy answers 502 for a while is waited for while nothing is changed, and else left for the next update", async () => {
    scene = await BootSourceScene.start("3.6");
    await scene.region.control({ badGatewayFor: 1 });
    await scene.look();
    let once = true;
    scene.host.before = async (request) => {
      if (once && request.startsWith("POST ")) {
        once = false;
        await scene.region.control({ badGatewayFor: 1 });
      }
    };
    expect(await scene.refusal()).toMatch(/502/);
    await until("MAAS", 5000, async () => (await scene.region.get("version/")).status === 200);
    await scene.up();
    expect(await scene.look()).toEqual(scene.declared());
  });

  test("that takes a second for each answer, with a clock ten minutes ahead, is told of and done", async () => {
    scene = await BootSourceScene.start("3.6");
    await scene.region.control({ slow: 0.3, clockOffset: 600 });
    const made = await scene.up();
    await scene.region.control({ slow: 0 });
    expect(await scene.look(scene.declared(), made)).toEqual(scene.declared());
    expect(scene.said.join("\n")).toMatch(/MAAS's clock is 10 minutes ahead/);
  });

  test("with a full disk is reported as not having its images, and gets them once there is room", async () => {
    scene = await BootSourceScene.start("3.6");
    await scene.region.control({ diskFull: true });
    expect(await scene.refusal()).toMatch(
      /these are not complete: .*ubuntu\/noble amd64\/ga-24.04 \(0 % of 20260210\).*\n.*room for images there/,
    );
    await scene.region.control({ diskFull: false });
    await scene.up();
    expect(await scene.region.images()).toEqual(expect.arrayContaining(nobleImages));
  });

  test("shows how far its import is", async () => {
    scene = await BootSourceScene.start("3.6");
    holdImport(scene);
    const updated = scene.up();
    await until("progress", 10_000, () =>
      scene.said.some((line) => /of \d+ images are there; .*ubuntu\/noble amd64\/.*: \d+ %/.test(line)),
    );
    scene.mirror.release();
    await updated;
  });

  test("with a proxy that the mirror is not behind is warned of", async () => {
    scene = await BootSourceScene.start("3.6");
    await scene.region.post("maas/?op=set_config", {
      name: "http_proxy",
      value: "http://me:secret@10.0.0.1:3128/",
    });
    await scene.region.post("maas/?op=set_config", { name: "boot_images_no_proxy", value: "true" });
    await scene.up();
    expect(scene.said.join("\n")).not.toMatch(/warning: MAAS fetches images through/);
    await scene.region.post("maas/?op=set_config", { name: "boot_images_no_proxy", value: "false" });
    await scene.up();
    expect(scene.said.join("\n")).toMatch(/warning: MAAS fetches images through its proxy http:\/\/10.0.0.1/);
    expect(scene.said.join("\n")).not.toContain("secret");
  });
});

/** Lets the import wait for its first large file, which until then everybody may ask for. */
function holdImport(on: BootSourceScene): void {
  on.host.before = (request) => {
    if (!request.endsWith("?op=import")) return;
    on.mirror.hold("squashfs");
    on.host.before = () => {};
  };
}

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { maasOf } from "../../lab/maas-host.ts";
import { imagesOf, type UpstreamImages } from "../../lab/upstream-images.ts";
import { imageSite } from "./image-site.ts";
import { Stack, succeeded } from "./stack.ts";

const labName = "e2e-bad-images";
const directory = "/srv/airgapped-maas/e2e/images/images";
let lab: Lab;
let upstream: UpstreamImages;
let stack: Stack;

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "maas"] });
  upstream = imagesOf(lab);
  await upstream.reset();
  await maasOf(lab).reset();
  stack = await Stack.create();
  const images = [{ os: "ubuntu", releases: ["noble"] }];
  const serve = { address: "mirror.datacentre.lab" };
  stack.configure({
    ...imageSite(lab, { images, serve, upstream: { stallSeconds: 1 } }),
    maas: { region: { host: "maas" }, bootSource: { mirror: "images" } },
  });
  succeeded(await stack.up());
  await upstream.publishSerial();
  succeeded(await stack.up());
  // From here on, the damaged files are files that the mirror does not have.
  await upstream.publishSerial();
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

/**
 * The published snapshot's name, the digests of all files that MAAS can fetch, and the digests of MAAS's
 * images.
 */
async function served(): Promise<string> {
  const { stdout } = await lab.sh(
    "mirror",
    `readlink ${directory}/current; cd ${directory}/current/public && find -type f -exec sha256sum {} + | sort -k2`,
  );
  const maas = await lab.sh("maas", "sha256sum /var/lib/maas-stand-in/state.json");
  expect(maas.code).toBe(0);
  return stdout + maas.stdout;
}

/** The images' files that upstream's web server was asked for so far, from its log. */
async function fetched(): Promise<string[]> {
  const { stdout } = await lab.sh("upstream", "cat /var/log/nginx/images.log");
  return [...stdout.matchAll(/"GET \/ephemeral-v3\/stable\/((?!streams\/)\S+) /g)].map(
    ([, path = ""]) => path,
  );
}

describe("with a faulty upstream", () => {
  test.each([
    ["truncated-index", /streams\/v1\/index\.sjson: it is not one clearsigned text/],
    ["missing-index", /streams\/v1\/index\.sjson: the server answered 404/],
    ["truncated-list", /stable:v3:download\.sjson: it is not one clearsigned text/],
    ["missing-list", /v3(:|%3A)download\.sjson: the server answered 404/],
    [
      "wrong-signature",
      /streams\/v1\/index\.sjson: no good signature by \w+: one by \w+, which is not declared/,
    ],
    ["wrong-list-signature", /stable:v3:download\.sjson: no good signature by \w+: one by \w+/],
    ["broken-signature", /streams\/v1\/index\.sjson: no good signature/],
    ["unsigned", /streams\/v1\/index\.sjson: it is not signed: it is plain JSON/],
    ["rolled-back", /streams\/v1\/index\.sjson: .* upstream went back/],
    ["rolled-back-list", /stable:v3:download\.sjson: it was made at .*, but .* lists one made at/],
  ])(
    "%s: the preview fails, names file and reason, and changes nothing",
    async (kind, reason) => {
      const before = await served();
      await upstream.tamper(kind);
      const failed = await stack.preview();
      await upstream.restore();
      expect(failed.code).not.toBe(0);
      expect(failed.output).toMatch(reason);
      expect(failed.output).toMatch(/What to do: \S/);
      expect(await served()).toBe(before);
    },
    60_000,
  );

  test.each([
    ["flipped-file", /noble\/amd64\/\d+\/squashfs: its SHA-256 is \w+, and the signed index says/],
    ["missing-file", /noble\/amd64\/\d+\/squashfs: the server answered 404/],
    ["truncated-file", /noble\/amd64\/\d+\/squashfs: is truncated: \d+ of \d+ bytes/],
    ["stall", /noble\/amd64\/\d+\/squashfs: the server stalled: less than 500 bytes a second came for 1 s/],
    ["reset", /noble\/amd64\/\d+\/squashfs: .*[Cc]onnection reset/],
  ])(
    "%s: the update fails, names file and reason, and does not change served files and MAAS",
    async (kind, reason) => {
      const before = await served();
      await upstream.tamper(kind, { item: "squashfs" });
      const failed = await stack.up();
      await upstream.restore();
      expect(failed.code).not.toBe(0);
      expect(failed.output).toMatch(reason);
      expect(await served()).toBe(before);
    },
    60_000,
  );

  test("after upstream is repaired, an update fetches only the file that was damaged", async () => {
    const before = await served();
    const earlier = (await fetched()).length;
    succeeded(await stack.up());
    expect(await served()).not.toBe(before);
    // The failed updates have fetched all others.
    expect([...new Set((await fetched()).slice(earlier))]).toEqual([
      expect.stringMatching(/^noble\/amd64\/\d+\/squashfs$/),
    ]);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 60_000);
});

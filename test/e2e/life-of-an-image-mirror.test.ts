import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Manifest, manifestDifferences, manifestOf } from "../../lab/manifest.ts";
import { imagesOf, type UpstreamImages } from "../../lab/upstream-images.ts";
import { imageSite, ServedImages } from "./image-site.ts";
import { type Run, Stack, succeeded, type Values } from "./stack.ts";

const labName = "e2e-images";
const directory = "/srv/airgapped-maas/e2e/images/images";
const nobleGa = "com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04";
let lab: Lab;
let upstream: UpstreamImages;
let served: ServedImages;
let stack: Stack;
let before: Manifest;
let planned: Run;
let made: Run;
let outputs: Values;

const tree = async () => (await lab.sh("mirror", `basename $(readlink ${directory}/current)`)).stdout.trim();
const squashfs = (serial: string) => `noble/amd64/${serial}/squashfs`;
const steps = ({ steps }: Run) => steps.filter(({ type }) => type !== "ImageMirror" && type !== "Stack");

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror"] });
  upstream = imagesOf(lab);
  await upstream.reset();
  served = new ServedImages(lab);
  before = await manifestOf(lab, "mirror");
  stack = await Stack.create();
  stack.configure(imageSite(lab));
  planned = succeeded(await stack.preview());
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

describe("a new image mirror", () => {
  test("is previewed with its images and the products that it will not have, without a change", async () => {
    expect(planned.output).toMatch(/noble amd64 20260210 \(new\), [\d.]+ KiB to fetch/);
    expect(planned.output).toMatch(/jammy amd64 20260206 \(new\), [\d.]+ KiB to fetch/);
    expect(planned.output).toMatch(/boot loaders: .*grub-efi-signed amd64 .*pxelinux i386 .* to fetch/);
    expect(planned.output).toMatch(
      /warning: the stream's index also offers \d+ products that this mirror does not have: .*ubuntu noble arm64/,
    );
    expect(manifestDifferences(before, await manifestOf(lab, "mirror"))).toEqual([]);
  }, 120_000);

  test("has upstream's unchanged index, which gpgv verifies with the keyring of the outputs", async () => {
    made = succeeded(await stack.up());
    outputs = (await stack.outputs()).images.images;
    expect(made.counts).toEqual(planned.counts);
    expect(outputs).toMatchObject({
      url: "http://mirror/ephemeral-v3/stable/",
      serials: { "ubuntu/noble/amd64": "20260210", "centos/centos9/amd64": "20250901_01" },
      tree: await tree(),
    });
    expect(outputs.selections).toContainEqual({
      os: "ubuntu",
      release: "noble",
      arches: ["amd64"],
      subarches: ["*"],
      labels: ["*"],
    });
    const { code, stdout, stderr } = await lab.sh(
      "mirror",
      `set -e; cd $(mktemp -d); base64 -d >keyring.gpg
       curl -sSf -o ours http://127.0.0.1/ephemeral-v3/stable/streams/v1/index.sjson
       curl -sSf -o theirs http://images.maas.io/ephemeral-v3/stable/streams/v1/index.sjson
       cmp ours theirs; gpgv --keyring ./keyring.gpg ours 2>&1; rm -r "$PWD"`,
      { input: outputs.keyring },
    );
    expect({ code, said: stdout + stderr }).toEqual({
      code: 0,
      said: expect.stringContaining("Good signature"),
    });
  }, 120_000);

  test("has every file of every selected product with the right size and digest", async () => {
    const products = await served.products();
    const selected = Object.entries<Values>(products).filter(
      ([, product]) =>
        product["bootloader-type"] ||
        outputs.selections.some(
          (selection: Values) =>
            selection.os === product.os &&
            selection.release === product.release &&
            selection.arches.includes(product.arch),
        ),
    );
    expect(selected).toHaveLength(9);
    for (const [name] of selected) {
      for (const { path, size, sha256 } of await served.newest(name)) {
        const bytes = await served.bytes(path);
        expect({ path, size: bytes.length, sha256: digestOf(bytes) }).toEqual({ path, size, sha256 });
      }
    }
  }, 120_000);

  test("is not changed by a second update, or by one with an empty cache and lists in another order", async () => {
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    rmSync(stack.cache, { recursive: true });
    const images = [
      { os: "centos", architectures: ["amd64"], releases: ["centos9"] },
      { releases: ["noble", "jammy"], os: "ubuntu" },
    ];
    stack.configure(imageSite(lab, { images }));
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    stack.configure(imageSite(lab));
  }, 120_000);
});

describe("a new serial upstream", () => {
  let serial: string;

  test("is shown by the preview with its size, and is not published yet", async () => {
    serial = await upstream.publishSerial({ release: "noble", arch: "amd64" });
    const run = succeeded(await stack.preview());
    expect(run.output).toMatch(
      new RegExp(`noble amd64 20260210 -> ${serial}, [\\d.]+ KiB to fetch, [\\d.]+ KiB to prune later`),
    );
    expect(run.output).not.toContain("jammy amd64");
    expect(steps(run).map(({ type, op }) => [type, op])).toEqual([["ImageTree", "update"]]);
    expect([await served.status(squashfs(serial)), await tree()]).toEqual([404, outputs.tree]);
  }, 120_000);

  test("is published completely by the update, and the files of the previous serial are still served", async () => {
    succeeded(await stack.up());
    expect(await served.status(squashfs(serial))).toBe(200);
    expect(await served.status(squashfs("20260210"))).toBe(200);
    for (const { path, sha256 } of await served.newest(nobleGa)) {
      expect(path).toContain(serial);
      expect(digestOf(await served.bytes(path))).toBe(sha256);
    }
    expect((await stack.outputs()).images.images.serials["ubuntu/noble/amd64"]).toBe(serial);
  }, 120_000);

  test("removes the files of the serial before the previous one, and old ones from the store too", async () => {
    const old = `${directory}/current/public/${squashfs("20260210")}`;
    await lab.sh("mirror", `touch -d '2 hours ago' ${old}`);
    const { stdout: inode } = await lab.sh("mirror", `stat -c %i ${old}`);
    await upstream.publishSerial({ release: "noble", arch: "amd64" });
    succeeded(await stack.up());
    expect(await served.status(squashfs("20260210"))).toBe(404);
    expect(await served.status(squashfs(serial))).toBe(200);
    const found = await lab.sh("mirror", `find /srv/airgapped-maas -inum ${inode.trim()}`);
    expect(found.stdout).toBe("");
    const kept = async () => (await lab.sh("mirror", `ls ${directory}/trees | wc -l`)).stdout.trim();
    expect(await kept()).toBe("2");
    stack.configure(imageSite(lab, { keepSnapshots: 1 }));
    succeeded(await stack.up());
    expect(await kept()).toBe("1");
    stack.configure(imageSite(lab));
    succeeded(await stack.up());
  }, 120_000);
});

describe("drift", () => {
  const nginx = "/etc/nginx/airgapped-maas/80-any/=ephemeral-v3=stable.conf";
  let deleted: string;
  let flipped: string;

  test("is reported by the preview with the files, and repaired by an update", async () => {
    const files = await served.newest(nobleGa);
    const pathOf = (ftype: string) => files.find((file) => file.ftype === ftype)?.path;
    deleted = pathOf("boot-kernel");
    flipped = pathOf("squashfs");
    const damage = await lab.sh(
      "mirror",
      `set -e; cd ${directory}/current/public
       rm ${deleted}
       printf '\\377\\000\\377' | dd of=${flipped} bs=1 seek=1000 conv=notrunc status=none
       sed -i 's/autoindex on/autoindex off/' ${nginx}
       systemctl stop nginx`,
    );
    expect(damage.code).toBe(0);
    const run = succeeded(await stack.preview("--diff"));
    expect(run.output).toContain("2 files are missing or wrong");
    expect(run.output).toContain(`${deleted}: missing`);
    expect(run.output).toContain(`${flipped}: content`);
    expect(steps(run).find(({ type }) => type === "ImageTree")?.differs).toEqual(["status.integrity"]);
    expect(steps(run).find(({ type }) => type === "Files")?.differs).toEqual([`files["${nginx}"].content`]);

    succeeded(await stack.up());
    for (const { path, sha256 } of await served.newest(nobleGa)) {
      expect(digestOf(await served.bytes(path))).toBe(sha256);
    }
    expect((await stack.preview("--expect-no-changes")).code).toBe(0);
  }, 120_000);
});

describe("another declaration", () => {
  const images = [{ os: "ubuntu", releases: ["noble"], architectures: ["amd64", "arm64"], kernels: ["ga"] }];

  test("of images causes one update in place, and changes the selections in the outputs", async () => {
    stack.configure(imageSite(lab, { images, unsigned: true }));
    const run = succeeded(await stack.up());
    expect(run.output).toMatch(/noble arm64 \d+ \(new\), [\d.]+ KiB to fetch/);
    expect(run.output).toMatch(/jammy amd64 \(no longer held\), [\d.]+ KiB to prune later/);
    expect(steps(run).map(({ type, op }) => [type, op])).toEqual([["ImageTree", "update"]]);
    const { selections } = (await stack.outputs()).images.images;
    expect(selections).toEqual([
      { os: "ubuntu", release: "noble", arches: ["amd64", "arm64"], subarches: ["ga-24.04"], labels: ["*"] },
    ]);
    const index = JSON.parse(await served.text("streams/v1/index.json"));
    for (const { path } of Object.values<Values>(index.index)) expect(await served.status(path)).toBe(200);
  }, 120_000);

  test("of a kept snapshot (pinnedTo) serves it, and without pinnedTo a new snapshot is published", async () => {
    const now = await tree();
    const kept = (await lab.sh("mirror", `ls ${directory}/trees | sort | head -n 1`)).stdout.trim();
    stack.configure(imageSite(lab, { pinnedTo: kept }));
    succeeded(await stack.up());
    expect(await tree()).toBe(kept);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    stack.configure(imageSite(lab, { images, unsigned: true }));
    succeeded(await stack.up());
    expect([kept, now]).not.toContain(await tree());
    expect(await served.status("streams/v1/index.json")).toBe(200);
  }, 120_000);
});

describe("pulumi destroy", () => {
  test("restores the host except the images, and reports where these are", async () => {
    const run = succeeded(await stack.destroy());
    expect(run.output).toContain(`content stays on mirror: ${directory}`);
    const differences = differencesFrom(before, await manifestOf(lab, "mirror"));
    const kept = /^\+ files \/srv\/airgapped-maas/;
    expect(differences.filter((line) => !kept.test(line))).toEqual([]);
    expect(differences).toContain(`+ files ${directory}/current`);
  }, 120_000);

  test("with deleteContent leaves nothing, after an update that used the old images without a fetch", async () => {
    stack.configure(imageSite(lab, { deleteContent: true }));
    const again = succeeded(await stack.up());
    expect(again.output).not.toMatch(/fetching \d+ files/);
    succeeded(await stack.destroy());
    expect(differencesFrom(before, await manifestOf(lab, "mirror"))).toEqual([]);
  }, 120_000);
});

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** All differences except the page that nginx's own scripts leave, and units that watch the console. */
function differencesFrom(earlier: Manifest, later: Manifest): string[] {
  return manifestDifferences(earlier, later).filter(
    (line) =>
      !/^\+ files \/var\/www(\/html(\/index.nginx-debian.html)?)?$/.test(line) &&
      !line.startsWith("~ running systemd-ask-password-"),
  );
}

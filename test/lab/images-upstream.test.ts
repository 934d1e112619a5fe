import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { archiveKey } from "../../lab/archive/openpgp-key.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Upstream, upstreamOf } from "../../lab/upstream.ts";

const name = "images-upstream";
const stable = "http://images.maas.io/ephemeral-v3/stable";
const index = "streams/v1/index.sjson";
const list = "streams/v1/com.ubuntu.maas:stable:v3:download.sjson";
const ga = "com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04";
/** The first run makes a root file system and downloads packages. */
const firstTime = 600_000;

let lab: Lab;
let upstream: Upstream;

beforeAll(async () => {
  lab = await labUp(name, { hosts: ["upstream", "mirror"] });
  upstream = upstreamOf(lab);
  const { keyringFile } = await archiveKey("images");
  await lab.sh("mirror", "cat > /srv/images.gpg", { input: readFileSync(keyringFile) });
}, firstTime);

afterAll(() => labDown(name), 120_000);

/**
 * The result of curl on `mirror`, which writes to /srv/got: its exit code, the answer's status, and the
 * number of bytes.
 */
async function get(path: string, more = "") {
  const { code, stdout, stderr } = await lab.sh(
    "mirror",
    `rm -f /srv/got; curl -sS ${more} -o /srv/got -w '%{http_code} %{size_download}' '${stable}/${path}'`,
  );
  const [status, size] = stdout.split(" ").map(Number);
  return { code, status, size, stderr: stderr.trim() };
}

/** The result of gpgv on `mirror` for a signed file: its text, or the status that rejects it. */
async function verified(path: string): Promise<{ text: string } | { refused: string }> {
  expect(await get(path)).toMatchObject({ code: 0, status: 200 });
  const { code, stdout, stderr } = await lab.sh(
    "mirror",
    "gpgv --status-fd 2 --keyring /srv/images.gpg --output - /srv/got",
  );
  const refused = /\[GNUPG:\] (BADSIG|NO_PUBKEY|NODATA)/.exec(stderr)?.[1];
  return code === 0 ? { text: stdout } : { refused: refused ?? stderr };
}

// biome-ignore lint/suspicious/noExplicitAny: tests check the values that they read
async function signedJson(path: string): Promise<any> {
  const answer = await verified(path);
  return "text" in answer ? JSON.parse(answer.text) : expect(answer).toHaveProperty("text");
}

/** Checks every file of the newest version of noble's ga kernel with sha256sum on `mirror`. */
async function nobleIsComplete(): Promise<boolean> {
  const { versions } = (await signedJson(list)).products[ga];
  const { items } = versions[Object.keys(versions).sort().at(-1) ?? ""];
  const files = Object.values(items as Record<string, { path: string; sha256: string }>);
  const { code } = await lab.sh(
    "mirror",
    `rm -rf /srv/files && mkdir /srv/files && cd /srv/files &&
     curl -sSf --parallel ${files.map(({ path, sha256 }) => `-o ${sha256} '${stable}/${path}'`).join(" ")} &&
     sha256sum --check --status`,
    { input: files.map(({ sha256 }) => `${sha256}  ${sha256}\n`).join("") },
  );
  return code === 0;
}

describe("images.maas.io of upstream", () => {
  test("serves a signed stream, the same stream unsigned, and its files", async () => {
    const { index: lists } = await signedJson(index);
    expect(Object.keys(lists)).toEqual([
      "com.ubuntu.maas:stable:1:bootloader-download",
      "com.ubuntu.maas:stable:centos-bases-download",
      "com.ubuntu.maas:stable:v3:download",
    ]);
    expect(lists["com.ubuntu.maas:stable:v3:download"].path).toBe(list);
    expect(await nobleIsComplete()).toBe(true);
    expect(await get("streams/v1/index.json")).toMatchObject({ code: 0, status: 200 });
    expect(await get("noble/amd64/20990101/squashfs")).toMatchObject({ status: 404 });
  });

  test("is served under its name only, and the archives under theirs only", async () => {
    const { stdout } = await lab.sh(
      "mirror",
      `for url in archive.ubuntu.com/ubuntu ports.ubuntu.com/ubuntu-ports images.maas.io/ubuntu; do
         curl -s -o /dev/null -w '%{http_code}\\n' http://$url/dists/noble/InRelease
       done; curl -s -o /dev/null -w '%{http_code}\\n' http://archive.ubuntu.com/ephemeral-v3/stable/${index}`,
    );
    expect(stdout.trim().split("\n")).toEqual(["200", "200", "404", "404"]);
  });

  test("shows a new serial and its withdrawal at the next request, in the changed product file only", async () => {
    const before = await signedJson(index);
    const day = await upstream.images.publishSerial({ release: "noble", arch: "amd64" });
    expect(upstream.images.serials({ os: "ubuntu" })[ga]?.at(-1)).toBe(day);
    const after = await signedJson(index);
    const age = (of: typeof before, id: string) =>
      Date.parse(of.index[`com.ubuntu.maas:stable:${id}`].updated);
    expect(age(after, "v3:download")).toBeGreaterThan(age(before, "v3:download"));
    expect(age(after, "1:bootloader-download")).toBe(age(before, "1:bootloader-download"));
    const { products } = await signedJson(list);
    const serials = (product: string) => Object.keys(products[product].versions);
    expect(serials(ga)).toContain(day);
    expect(serials(ga.replaceAll("24.04", "22.04"))).not.toContain(day);
    expect(await nobleIsComplete()).toBe(true);
    const squashfs = products[ga].versions[day].items.squashfs.path;
    await upstream.images.withdrawSerial({ release: "noble", arch: "amd64" });
    expect(Object.keys((await signedJson(list)).products[ga].versions)).not.toContain(day);
    expect(await get(squashfs)).toMatchObject({ status: 404 });
  });

  test("publishes serials of all products or with a given name, and reset restores the first ones", async () => {
    const first = upstream.images.serials();
    const day = await upstream.images.publishSerial();
    for (const serials of Object.values(upstream.images.serials())) expect(serials.at(-1)).toMatch(`${day}`);
    expect(upstream.images.serials({ release: "centos9" })).toEqual({
      "com.ubuntu.maas.stable:centos-bases:9.0:amd64": ["20250301_01", "20250901_01", `${day}_01`],
    });
    await upstream.images.publishSerial({ release: "noble", serial: "20270101" });
    expect(upstream.images.serials({ release: "noble" })[ga]?.at(-1)).toBe("20270101");
    await expect(upstream.images.publishSerial({ release: "noble", serial: "20270101" })).rejects.toThrow(
      /20270101/,
    );
    await expect(upstream.images.publishSerial({ release: "nobel" })).rejects.toThrow(/release nobel/);
    await upstream.images.withdrawSerial({ serial: day });
    expect(Object.values(upstream.images.serials()).flat()).not.toContain(day);
    await upstream.reset();
    expect(upstream.images.serials()).toEqual(first);
    expect(await nobleIsComplete()).toBe(true);
  });
});

describe("images.maas.io with a fault", () => {
  afterEach(async () => {
    await upstream.images.restore();
    expect(await nobleIsComplete()).toBe(true);
  });

  test.each([["flipped-file"], ["missing-file"], ["truncated-file"]])(
    "%s: files of noble are missing or wrong",
    async (kind) => {
      const hit = await upstream.images.tamper(kind);
      expect(hit).toMatch(/^noble\/amd64\/\d{8}\/squashfs$/);
      expect(await nobleIsComplete()).toBe(false);
      const { size } = (await signedJson(list)).products[ga].versions[hit.slice(12, 20)].items.squashfs;
      const got = await get(hit);
      if (kind === "missing-file") expect(got.status).toBe(404);
      else
        expect(got).toMatchObject({
          status: 200,
          size: kind === "flipped-file" ? size : Math.floor(size / 2),
        });
      const shim = await upstream.images.tamper(kind, { os: "grub-efi-signed", item: "shim-signed" });
      expect(shim).toBe("bootloaders/uefi/amd64/20221029.0/shim-signed.tar.xz");
      expect(await nobleIsComplete()).toBe(true);
    },
  );

  test.each([
    ["truncated-index", index, "NODATA"],
    ["truncated-list", list, "NODATA"],
    ["wrong-signature", index, "NO_PUBKEY"],
    ["wrong-list-signature", list, "NO_PUBKEY"],
    ["broken-signature", index, "BADSIG"],
    ["unsigned", index, "NODATA"],
  ])("%s: gpgv refuses it", async (kind, path, refused) => {
    expect(await upstream.images.tamper(kind)).toBe(path);
    expect(await verified(path)).toEqual({ refused });
    const other = path === index ? list : index;
    if (kind === "wrong-signature") expect(await verified(other)).toEqual({ refused });
    else expect(await verified(other)).toHaveProperty("text");
  });

  test("truncated-index and truncated-list: the unsigned file is not valid JSON", async () => {
    for (const kind of ["truncated-index", "truncated-list"]) {
      const unsigned = (await upstream.images.tamper(kind)).replace("sjson", "json");
      await get(unsigned);
      const { stdout } = await lab.sh("mirror", "cat /srv/got");
      expect(() => JSON.parse(stdout)).toThrow();
    }
  });

  test.each([
    ["missing-index", index],
    ["missing-list", list],
  ])("%s: the signed and the unsigned file are missing", async (kind, path) => {
    expect(await upstream.images.tamper(kind)).toBe(path);
    expect((await get(path)).status).toBe(404);
    expect((await get(path.replace("sjson", "json"))).status).toBe(404);
  });

  test("rolled-back: the index, or one product file, has a valid signature and is older than before", async () => {
    await upstream.images.publishSerial({ os: "ubuntu" });
    const newest = (await signedJson(index)).updated;
    const newestList = (await signedJson(list)).updated;
    expect(await upstream.images.tamper("rolled-back-list")).toBe(list);
    expect((await signedJson(index)).updated).toBe(newest);
    expect(Date.parse((await signedJson(list)).updated)).toBeLessThan(Date.parse(newestList));
    expect(await nobleIsComplete()).toBe(true);
    expect(await upstream.images.tamper("rolled-back")).toBe(index);
    expect(Date.parse((await signedJson(index)).updated)).toBeLessThan(Date.parse(newest));
    expect(await nobleIsComplete()).toBe(true);
    await upstream.images.restore();
    expect((await signedJson(index)).updated).toBe(newest);
  });

  test.each([
    ["stall", "--max-time 1", 28, 1000],
    ["reset", "", 56, 1000],
    ["refuse", "", 56, 0],
  ])("%s: downloads of images fail, or only of the given path", async (kind, more, code, size) => {
    await upstream.images.tamper(kind);
    expect(await get("noble/amd64/20260210/squashfs", more)).toMatchObject({ code, size });
    expect(await verified(index)).toHaveProperty("text");
    await upstream.images.restore();
    await upstream.images.tamper(kind, { path: "index[.]sjson$" });
    expect(await get(index, more)).toMatchObject({ code, size });
    expect(await get(list)).toMatchObject({ code: 0, status: 200 });
  });

  test("slow: files are served at 20 kB per second", async () => {
    await upstream.images.tamper("slow");
    expect(await get("noble/amd64/20260210/squashfs", "--max-time 1")).toMatchObject({ code: 28 });
    expect((await get("noble/amd64/20260210/squashfs.manifest")).code).toBe(0);
  });

  test("a conditional request is answered with 304 only if the content is the same", async () => {
    const condition = (path: string, file: string) =>
      lab.sh(
        "mirror",
        `curl -sSR -z ${file} -o ${file} -w '%{http_code}' '${stable}/${path}'; sha256sum < ${file}`,
      );
    await lab.sh("mirror", `curl -sSR -o /srv/index '${stable}/${index}'`);
    const good = (await condition(index, "/srv/index")).stdout;
    expect(good).toMatch(/^304/);
    await upstream.images.tamper("broken-signature");
    const bad = (await condition(index, "/srv/index")).stdout;
    expect(bad).toMatch(/^200/);
    await upstream.images.restore();
    expect((await condition(index, "/srv/index")).stdout).toBe(good.replace("304", "200"));
    await upstream.images.tamper("rolled-back");
    const old = (await condition(index, "/srv/index")).stdout;
    expect(old).toMatch(/^200/);
    expect(new Set([good, bad, old].map((each) => each.slice(3))).size).toBe(3);
  });

  test("an unknown kind, item or image is refused, and the error names the reason", async () => {
    await expect(upstream.images.tamper("nonsense")).rejects.toThrow(/flipped-file.*rolled-back.*stall/);
    await expect(upstream.images.tamper("flipped-file", { item: "boot-dtb" })).rejects.toThrow(/boot-kernel/);
    const none = upstream.images.tamper("flipped-file", { os: "ubuntu", release: "focal" });
    await expect(none).rejects.toThrow(/no image has os ubuntu, release focal and arch any/);
  });
});

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { tarOf } from "../../../lab/images/tar-of.ts";
import type { ResourceContext } from "../../../resources/kernel/definition.ts";
import { type CustomImagePlan, planCustomImage } from "../../../resources/mirror/custom-image/plan.ts";
import { customImageTree } from "../../../resources/mirror/custom-image/tree.ts";
import { HostOnThisMachine } from "../../host-on-this-machine.ts";
import { scratchDirectory } from "../../programs/resources/mirror/published-tree/job-on-this-machine.ts";
import { BootSourceFixture, noble } from "./boot-source-fixture.ts";

let root: string;
let host: HostOnThisMachine;
let server: Server;
let signingKey: { directory: string; fingerprint: string };
let keyring: string;
beforeEach(async () => {
  root = scratchDirectory("custom-image");
  process.env.XDG_CACHE_HOME = join(root, "cache");
  host = new HostOnThisMachine();
  signingKey = makeKey(join(root, "key"));
  keyring = gpg("--export", signingKey.fingerprint).toString("base64");
  server = createServer((request, response) => {
    const file = join(root, "rocky9/current/public", decodeURIComponent(request.url ?? ""));
    const found = existsSync(file) && statSync(file).isFile();
    if (!found) response.writeHead(404).end();
    else response.writeHead(200, { "Content-Length": statSync(file).size }).end(readFileSync(file));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  execFileSync("gpgconf", ["--homedir", signingKey.directory, "--kill", "all"]);
  host.clear();
  rmSync(root, { recursive: true, force: true });
});

function gpg(...args: string[]): Buffer {
  return execFileSync("gpg", ["--homedir", join(root, "key"), "--batch", "--quiet", ...args]);
}

function makeKey(directory: string) {
  mkdirSync(directory, { mode: 0o700 });
  gpg("--passphrase", "", "--quick-generate-key", "Own <own@dc1.example>", "rsa3072", "sign", "never");
  const fingerprint =
    /^fpr:+([0-9A-F]{40}):/m.exec(gpg("--with-colons", "--list-keys").toString())?.[1] ?? "";
  return { directory, fingerprint };
}

const place = () => ({ directory: join(root, "rocky9"), store: join(root, "store") });
const described = {
  os: "rhel",
  release: "rocky9",
  releaseTitle: "Rocky Linux 9",
  version: "9",
  architecture: "amd64",
};

function imageFile(content: string): string {
  const path = join(root, "rocky9.tar.gz");
  writeFileSync(path, gzipSync(tarOf("filling", Buffer.from(content))));
  return path;
}

const plan = (path: string, onHost = false, image = described) =>
  planCustomImage(
    { host: "mirror", ...place(), image, file: { path, ...(onHost ? { host: "mirror" } : {}) } },
    host,
  );

async function publish(planned: CustomImagePlan, path: string, onHost = false, keepSnapshots = 2) {
  const messages: string[] = [];
  const context: ResourceContext = {
    id: "customimagetree-dc1-rocky9",
    host,
    progress: (line) => void messages.push(line),
    warn: (line) => void messages.push(line),
  };
  const { digest, updated, size, serial, sha256 } = planned;
  const wanted = customImageTree.inputs.parse({
    host: "mirror",
    ...place(),
    file: { path, onHost },
    plan: digest,
    updated,
    image: { ...described, serial, sha256 },
    size,
    signingKey,
    keepSnapshots,
    deleteContent: true,
  });
  const observed = await customImageTree.observe(context, wanted);
  const { tree } = await customImageTree.apply(context, wanted, observed);
  const after = await customImageTree.observe(context, wanted);
  expect(after?.inputs).toEqual(wanted);
  return { tree, messages, isThere: observed !== undefined };
}

describe("a custom image in a stream", () => {
  test.each(["3.5", "3.8"] as const)(
    "is imported by MAAS %s beside the mirror's images, and again when it changes",
    async (version) => {
      const context = await BootSourceFixture.start(version);
      const path = imageFile("one");
      const first = await plan(path);
      await publish(first, path);
      const declared = ({ selections, serial }: CustomImagePlan) => {
        const mirror = { url: context.mirror.url, keyring: context.keyring, selections: [noble] };
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
        return context.declared({
          sources: { mirror, rocky9: { url, keyring, selections } },
          images: { ...context.declared().images, "rhel/rocky9 amd64/generic": serial },
        });
      };
      const made = await context.up(declared(first));
      expect(await context.look(declared(first), made)).toEqual(declared(first));

      imageFile("two");
      const second = await plan(path);
      expect(second.serial > first.serial).toBe(true);
      expect(second.changes).toEqual([
        expect.stringMatching(`^rhel/rocky9 amd64 ${first.serial} -> ${second.serial}`),
      ]);
      await publish(second, path);
      expect((await context.look(declared(second), made)).images["rhel/rocky9 amd64/generic"]).toBe(
        first.serial,
      );
      await context.up(declared(second), made);
      expect(await context.look(declared(second), made)).toEqual(declared(second));
      await context.stop();
    },
  );

  test("keeps its serial while its content is the same, even if the file's date or the title changes", async () => {
    const path = imageFile("one");
    const first = await plan(path);
    const { tree } = await publish(first, path);
    imageFile("one");
    expect(await plan(path)).toEqual({ ...first, changes: [] });
    expect((await publish(await plan(path), path)).tree).toBe(tree);
    const retitled = await plan(path, false, { ...described, releaseTitle: "Rocky Linux Nine" });
    expect(retitled.serial).toBe(first.serial);
    expect(retitled.updated > first.updated).toBe(true);
  });

  test("of an older snapshot is deleted when keepSnapshots becomes smaller, also without another image", async () => {
    const path = imageFile("one");
    await publish(await plan(path), path);
    imageFile("two");
    const planned = await plan(path);
    await publish(planned, path);
    const trees = () => readdirSync(join(root, "rocky9/trees")).length;
    expect(trees()).toBe(2);
    await publish(planned, path, false, 1);
    expect(trees()).toBe(1);
  });

  test("is copied on the host if its file is there", async () => {
    const path = imageFile("one");
    const planned = await plan(path, true);
    expect(planned).toEqual(await plan(path));
    expect((await publish(planned, path, true)).messages.join("\n")).toMatch(/copying .*rocky9.tar.gz into/);
    expect(await plan(path, true)).toEqual({ ...planned, changes: [] });
  });

  test.each([
    ["this workstation", false],
    ["the host", true],
  ])("on %s is read completely only if its size or date has changed", async (_where, onHost) => {
    const path = imageFile("one");
    const day = (number: number) => utimesSync(path, number * 86_400, number * 86_400);
    day(20_000);
    const planned = await plan(path, onHost);
    const changed = readFileSync(path);
    // The date in the header of gzip.
    changed.writeUInt32LE(1, 4);
    writeFileSync(path, changed);
    day(20_000);
    expect(await plan(path, onHost)).toEqual(planned);
    day(20_001);
    const again = await plan(path, onHost);
    expect(again.sha256).toBe(createHash("sha256").update(changed).digest("hex"));
    expect(again.sha256).not.toBe(planned.sha256);
    imageFile("another one");
    day(20_001);
    expect((await plan(path, onHost)).sha256).not.toBe(again.sha256);
  });

  test("is repaired when its published file is damaged", async () => {
    const path = imageFile("one");
    const planned = await plan(path);
    await publish(planned, path);
    const served = join(root, "rocky9/current/public/rhel/rocky9/amd64", planned.serial, "root-tgz");
    truncateSync(served, 5);
    await publish(planned, path);
    expect(readFileSync(served).equals(readFileSync(path))).toBe(true);
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "a file that does not exist",
      () => plan(join(root, "none.tar.gz")),
      /there is no such file on this workstation/,
    ],
    [
      "a file that does not exist on the host",
      () => plan(join(root, "none"), true),
      /no such file on mirror/,
    ],
    [
      "a file that is not a gzip archive",
      async () => {
        writeFileSync(join(root, "disk.img"), "disk");
        await plan(join(root, "disk.img"));
      },
      /not a gzip archive\n.*via: upload/,
    ],
    ...[false, true].map((onHost): [string, () => Promise<unknown>, RegExp] => [
      `a disk image${onHost ? " on the host" : ""}`,
      async () => {
        writeFileSync(join(root, "rhel9.img.gz"), gzipSync(Buffer.alloc(100_000)));
        await plan(join(root, "rhel9.img.gz"), onHost);
      },
      /it is a disk image .*MAAS deploys rhel only from archives/,
    ]),
    [
      "a disk image in an archive",
      async () => {
        writeFileSync(join(root, "rhel9.dd.tar.gz"), gzipSync(tarOf("root-dd.img", Buffer.alloc(100_000))));
        await plan(join(root, "rhel9.dd.tar.gz"));
      },
      /it is a disk image/,
    ],
    ["the os custom", () => plan(imageFile("x"), false, { ...described, os: "custom" }), /never deploys it/],
    [
      "a file that changed since the preview",
      async () => {
        const planned = await plan(imageFile("one"));
        await publish(planned, imageFile("two"));
      },
      /differs from that in the preview/,
    ],
  ])("is refused: %s", async (_what, work, message) => {
    await expect(work()).rejects.toThrow(message);
    expect(existsSync(join(root, "rocky9/current"))).toBe(false);
  });
});

import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import type { Lab } from "../../../lab/lab.ts";
import { labForTests, TestSsh } from "../lab-for-tests.ts";
import { tcpProxy } from "../tcp-proxy.ts";

const folder = "/srv/upload test";
const plain = { mode: 0o644, owner: "root", group: "root" };
let lab: Lab;
let ssh: TestSsh;
let host: Host;
beforeAll(async () => {
  lab = await labForTests("mirror");
  ssh = new TestSsh(lab);
  host = ssh.host("mirror");
  await host.run(sh`rm -rf ${folder}; mkdir -p ${folder}`);
}, 300_000);
afterAll(async () => {
  await host.run(sh`umount ${`${folder}/small`} ${`${folder}/fixed`} 2>/dev/null; rm -rf ${folder}`);
  await ssh.end();
});

const listing = async (path = folder) =>
  (await host.run(sh`ls -A ${path}`)).stdout.split("\n").filter(Boolean);
const content = async (path: string) => (await host.run(sh`cat ${path}`)).stdout;

describe("an upload that fails because of", () => {
  test("a full disk reports this, and leaves only the old file", async () => {
    const small = `${folder}/small`;
    await host.run(sh`mkdir ${small}; mount -t tmpfs -o size=256k tmpfs ${small}; echo old > ${small}/file`);
    await expect(host.upload(randomBytes(1_000_000), `${small}/file`, plain)).rejects.toThrow(
      /writing \/srv\/upload test\/small\/file: .*No space left on device[\s\S]*What to do: Free space/,
    );
    expect(await listing(small)).toEqual(["file"]);
    expect(await content(`${small}/file`)).toBe("old\n");
  });

  test("a read-only file system reports this", async () => {
    const fixed = `${folder}/fixed`;
    await host.run(sh`mkdir ${fixed}; mount -t tmpfs -o ro tmpfs ${fixed}`);
    await expect(host.upload(Buffer.from("x"), `${fixed}/file`, plain)).rejects.toThrow(
      /Read-only file system[\s\S]*What to do: See why/,
    );
  });

  test("a directory at its path, a missing directory or an unknown owner leaves no file", async () => {
    await host.run(sh`mkdir -p ${folder}/directory`);
    await expect(host.upload(Buffer.from("x"), `${folder}/directory`, plain)).rejects.toThrow(/directory/);
    await expect(host.upload(Buffer.from("x"), `${folder}/none/file`, plain)).rejects.toThrow(/No such file/);
    const nobody = { ...plain, owner: "no-such-user" };
    await expect(host.upload(Buffer.from("x"), `${folder}/file`, nobody)).rejects.toThrow(/no-such-user/);
    expect(await listing()).not.toContain("file");
    expect((await listing()).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("a cut connection leaves only the old file", async () => {
    const path = `${folder}/cut`;
    await host.upload(Buffer.from("old"), path, plain);
    for (const after of [2_000, 100_000, 2_000_000]) {
      const proxy = await tcpProxy({ host: lab.address("mirror", "outside"), port: 22 });
      const far = ssh.host("mirror", { HostName: "127.0.0.1", Port: proxy.port });
      await far.run("true");
      const cut = proxy.cutAfter(after);
      const writing = far.upload(randomBytes(4_000_000), path, plain);
      await Promise.all([cut, expect(writing).rejects.toThrow(/the connection was lost/)]);
      await proxy.close();
      // The hidden file is deleted when the host detects the end.
      while ((await listing()).some((name) => name.startsWith(".airgapped-maas."))) await content(path);
      expect(await content(path)).toBe("old");
    }
  });

  test("a missing local file leaves the old file", async () => {
    const path = `${folder}/broken`;
    await host.upload(Buffer.from("old"), path, plain);
    await expect(host.upload({ file: "/there/is/none" }, path, plain)).rejects.toThrow(/ENOENT/);
    expect(await content(path)).toBe("old");
  });
});

describe("an uploaded file", () => {
  test("has the declared content, mode with set-uid, owner and group", async () => {
    const bytes = randomBytes(3_000_001);
    const path = `${folder}/whole`;
    await host.upload(bytes, path, { mode: 0o4750, owner: "ops", group: "adm" });
    expect((await host.run(sh`stat -c '%a %U %G %s' ${path}`)).stdout).toBe("4750 ops adm 3000001\n");
    const local = ssh.file("local", bytes);
    await host.upload({ file: local }, `${path}-2`, plain);
    await host.upload(Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]), `${path}-3`, plain);
    const { stdout } = await host.run(
      sh`sha256sum ${[path, `${path}-2`, `${path}-3`]} | cut -d' ' -f1 | uniq | wc -l`,
    );
    expect(stdout).toBe("1\n");
    await host.upload(Buffer.alloc(0), path, plain);
    expect((await host.run(sh`stat -c '%a %s' ${path}`)).stdout).toBe("644 0\n");
  });

  test("may have any name", async () => {
    for (const name of ["it's", "a b", "-rf", "new\nline", "$(id)", "é日🐧", "*"]) {
      await host.upload(Buffer.from(name), `${folder}/${name}`, plain);
      expect(await content(`${folder}/${name}`)).toBe(name);
    }
  });

  test("replaces a symbolic link, not the target of the link", async () => {
    await host.run(sh`cd ${folder}; echo target > target; ln -sf target link`);
    await host.upload(Buffer.from("new"), `${folder}/link`, plain);
    expect(await content(`${folder}/target`)).toBe("target\n");
    expect((await host.run(sh`stat -c %F ${folder}/link`)).stdout).toBe("regular file\n");
  });

  test("is never incomplete for a reader", async () => {
    const path = `${folder}/swapped`;
    const all = (letter: string) => Buffer.alloc(500_000, letter);
    await host.upload(all("a"), path, plain);
    const reading = host.run(sh`for i in $(seq 60); do md5sum < ${path}; done | sort -u | wc -l`);
    for (const letter of ["b", "a", "b", "a"]) await host.upload(all(letter), path, plain);
    expect(Number((await reading).stdout)).toBeLessThanOrEqual(2);
  });
});

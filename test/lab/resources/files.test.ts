import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Manifest, manifestDifferences } from "../../../lab/manifest.ts";
import { until } from "../../../lab/until.ts";
import { files } from "../../../resources/host/files.ts";
import type { Json } from "../../../resources/kernel/definition.ts";
import { LifeCycle, ResourceLab } from "./life-cycle.ts";

let bed: ResourceLab;
let before: Manifest;
const made: LifeCycle[] = [];

beforeAll(async () => {
  bed = await ResourceLab.up("res-files", ["mirror"]);
  await bed.sh(
    "mkdir /srv/found && echo found >/srv/found/text && ln -s text /srv/found/link && chmod 604 /srv/found/text",
  );
  before = await bed.manifest();
}, 600_000);
afterEach(async () => {
  for (const life of made.splice(0)) await life.destroy();
}, 120_000);
afterAll(() => bed?.down(), 60_000);

function resource(name: string): LifeCycle {
  const life = new LifeCycle(files, name);
  made.push(life);
  return life;
}

function wants(declared: Record<string, Json>) {
  return { host: "mirror", ...declared };
}

const differences = async () => manifestDifferences(before, await bed.manifest());

/** One of each kind. Some paths exist already. */
const everything = wants({
  files: {
    "/srv/found/text": { content: "ours\n", mode: "0640", group: "adm" },
    "/etc/lab/a.conf": { content: "a = größer\n" },
    '/srv/odd/it\'s "odd"\n$HOME -- `x`': { content: "odd" },
    "/srv/odd/-rf": { content: "" },
  },
  secretFiles: { "/etc/lab/token": { content: "hush-hush" } },
  directories: { "/srv/lab": { mode: "2775", group: "adm" } },
  links: { "/srv/lab/current": "../found/text" },
  absent: ["/srv/found/link"],
});

test("all kinds of paths are made, have no drift, and a removal restores the host", async () => {
  const life = resource("all");
  expect((await life.up(everything)).change).toBe("create");
  expect(
    await bed.sh("cat /srv/lab/current; stat -c '%a %U:%G' /srv/lab /srv/found/text /etc/lab/token /etc/lab"),
  ).toBe("ours\n2775 root:adm\n640 root:adm\n600 root:root\n755 root:root\n");
  expect(await life.preview(everything)).toEqual({ change: "none", differs: {} });
  expect(await bed.sh("test -e /srv/found/link && echo there || echo gone")).toBe("gone\n");
  await life.destroy();
  expect(life.heard.warnings).toEqual([]);
  expect(await differences()).toEqual([]);
}, 120_000);

test("a running service is reloaded when its files are deleted; a stopped one stays stopped", async () => {
  await bed.sh(`for unit in told silent; do
printf '[Service]\nExecStart=sleep infinity\nExecReload=sh -c "ls /etc/lab >/run/%%n.saw 2>&1 || true"\n' >/run/systemd/system/$unit.service
done; systemctl daemon-reload; systemctl start told`);
  const life = resource("told");
  await life.up(
    wants({
      files: { "/etc/lab/a.conf": { content: "a" } },
      reloadOnRemoval: ["told.service", "silent.service"],
    }),
  );
  await life.destroy();
  expect(await bed.sh("cat /run/told.service.saw; ls /run/silent.service.saw 2>&1 || true")).toMatch(
    /\/etc\/lab.*No such file[\s\S]*silent\.service\.saw.*No such file/,
  );
  expect(life.heard.warnings).toEqual([]);
  await bed.sh(
    "systemctl stop told; rm /run/systemd/system/told.service /run/systemd/system/silent.service /run/told.service.saw; systemctl daemon-reload",
  );
}, 120_000);

test.each<[string, string, Record<string, [Json | undefined, Json | undefined]>]>([
  [
    "content",
    "echo by hand >/etc/lab/a.conf",
    { "files[/etc/lab/a.conf][content]": ["by hand\n", "a = größer\n"] },
  ],
  ["mode", "chmod 600 /etc/lab/a.conf", { "files[/etc/lab/a.conf][mode]": ["0600", "0644"] }],
  ["owner", "chown ops /etc/lab/a.conf", { "files[/etc/lab/a.conf][owner]": ["ops", "root"] }],
  ["group", "chgrp daemon /srv/lab", { "directories[/srv/lab][group]": ["daemon", "adm"] }],
  [
    "an owner without a name",
    "chown 4242 /etc/lab/a.conf",
    { "files[/etc/lab/a.conf][owner]": ["4242", "root"] },
  ],
  [
    "target",
    "ln -sfn /nowhere /srv/lab/current",
    { "links[/srv/lab/current]": ["/nowhere", "../found/text"] },
  ],
  [
    "a secret",
    "echo x >/etc/lab/token",
    { "secretFiles[/etc/lab/token][content]": ["(differs from what is declared)", "hush-hush"] },
  ],
  [
    "another type",
    "rm /etc/lab/a.conf; mkdir /etc/lab/a.conf",
    { "files[/etc/lab/a.conf][content]": ["(a directory)", "a = größer\n"] },
  ],
  [
    "a link in its place",
    "ln -sf /etc/passwd /etc/lab/a.conf",
    { "files[/etc/lab/a.conf][content]": ["(a symbolic link)", "a = größer\n"] },
  ],
  [
    "bytes",
    "printf '\\377\\000' >/etc/lab/a.conf",
    {
      "files[/etc/lab/a.conf][content]": [
        expect.stringMatching(/^\(binary, 2 bytes/) as never,
        "a = größer\n",
      ],
    },
  ],
  ["an odd name", "echo x > '/srv/odd/-rf'", { "files[/srv/odd/-rf][content]": ["x\n", ""] }],
  ["a path declared absent", "touch /srv/found/link", { absent: [[], ["/srv/found/link"]] }],
])(
  "a manual change is reported and repaired: %s",
  async (name, change, differs) => {
    const life = resource(`drift ${name}`.replaceAll(" ", "-"));
    await life.up(everything);
    await bed.sh(change);
    expect((await life.up(everything)).differs).toEqual(differs);
    expect((await life.preview(everything)).change).toBe("none");
    await life.destroy();
    expect(await differences()).toEqual([]);
  },
  60_000,
);

test("a missing file is added again", async () => {
  const life = resource("missing");
  await life.up(everything);
  await bed.sh("rm -r /etc/lab");
  const { differs } = await life.up(everything);
  expect(Object.keys(differs).sort()).toEqual(["files[/etc/lab/a.conf]", "secretFiles[/etc/lab/token]"]);
  expect((await life.preview(everything)).change).toBe("none");
}, 120_000);

test("paths that are no longer declared are restored", async () => {
  const life = resource("shrinks");
  await life.up(everything);
  await life.up(wants({ files: { "/etc/lab/a.conf": { content: "a = größer\n" } } }));
  expect(await differences()).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/\/srv\//), expect.stringMatching(/token/)]),
  );
  expect(await bed.sh("cat /srv/found/text; readlink /srv/found/link; stat -c %a /srv/found/text")).toBe(
    "found\ntext\n604\n",
  );
}, 120_000);

test("existing files that agree with the declaration are adopted, and stay after a removal", async () => {
  const life = resource("adopts");
  const declared = wants({
    files: { "/srv/found/text": { content: "found\n", mode: "0604" } },
    links: { "/srv/found/link": "text" },
  });
  await life.up(declared);
  expect((await life.preview(declared)).change).toBe("none");
  await life.destroy();
  expect(await differences()).toEqual([]);
}, 120_000);

test("two resources share a path, and a third with another content is refused with their names", async () => {
  const [one, two, three] = [resource("one"), resource("two"), resource("three")];
  const shared = wants({
    files: { "/srv/found/text": { content: "shared\n" }, "/etc/lab/a": { content: "" } },
  });
  await Promise.all([one.up(shared), two.up(shared)]);
  const other = wants({ files: { "/srv/found/text": { content: "other\n" } } });
  await expect(three.up(other)).rejects.toThrow(/files-test-(one|two), files-test-(one|two) .*\n.*alias/);
  await one.destroy();
  expect(await bed.sh("cat /srv/found/text")).toBe("shared\n");
  await two.destroy();
  expect(await differences()).toEqual([]);
}, 120_000);

test("a rename without an alias keeps the paths that both names declare", async () => {
  const [old, renamed] = [resource("old"), resource("renamed")];
  await old.up(everything);
  await renamed.up(everything);
  await old.destroy();
  expect((await renamed.preview(everything)).change).toBe("none");
  await renamed.destroy();
  expect(await differences()).toEqual([]);
}, 120_000);

test("after a kill of the update at any moment, the next update completes it", async () => {
  const many = wants({
    files: Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`/srv/many/${index}/file`, { content: "x".repeat(1000) }]),
    ),
  });
  const script = join(import.meta.dirname, "apply-in-a-process.ts");
  for (const progress of [1, 20, 45]) {
    const name = `killed-${progress}`;
    const arguments_ = [script, bed.lab.paths.sshConfig, "Files", name, JSON.stringify(many)];
    const child = spawn(process.execPath, arguments_, { stdio: "ignore" });
    const closed = once(child, "close");
    const written = "ls /srv/many/*/file 2>/dev/null | wc -l";
    await until("part of it is written", 20_000, async () => Number(await bed.sh(written)) >= progress);
    child.kill("SIGKILL");
    await closed;
    const life = resource(name);
    await life.up(many);
    expect(await bed.sh(written)).toBe("60\n");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }
}, 120_000);

describe("errors of the file system are reported, and the existing files remain", () => {
  const onSmall = (content: string) => wants({ files: { "/mnt/small/file": { content } } });

  test("a full disk", async () => {
    const life = resource("full");
    await bed.sh(
      "mkdir -p /mnt/small && mount -t tmpfs -o size=64k tmpfs /mnt/small && echo old >/mnt/small/file",
    );
    try {
      await expect(life.up(onSmall("x".repeat(200_000)))).rejects.toThrow(
        /writing \/mnt\/small\/file: .*No space left on device\n.*Free space/,
      );
      expect(await bed.sh("ls -A /mnt/small; cat /mnt/small/file")).toBe("file\nold\n");
      await life.up(onSmall("fits"));
      expect((await life.preview(onSmall("fits"))).change).toBe("none");
      await life.destroy();
      expect(await bed.sh("cat /mnt/small/file")).toBe("old\n");
    } finally {
      await bed.sh("umount /mnt/small && rmdir /mnt/small");
    }
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("a full disk under the ledger", async () => {
    const life = resource("ledger");
    await bed.sh(
      "mkdir -p /var/lib/airgapped-maas && mount -t tmpfs -o size=16k,mode=700 tmpfs /var/lib/airgapped-maas",
    );
    try {
      await bed.sh("head -c 100000 /dev/urandom >/srv/found/large");
      await expect(life.up(wants({ files: { "/srv/found/large": { content: "small" } } }))).rejects.toThrow(
        /saving \/srv\/found\/large: .*\n.*Free space/,
      );
      expect(await bed.sh("wc -c </srv/found/large")).toBe("100000\n");
    } finally {
      await bed.sh("rm -f /srv/found/large; umount /var/lib/airgapped-maas && rmdir /var/lib/airgapped-maas");
    }
  }, 120_000);

  test("a read-only file system", async () => {
    const life = resource("read-only");
    await bed.sh(
      "mkdir -p /mnt/small && mount -t tmpfs -o size=64k tmpfs /mnt/small && echo old >/mnt/small/file && mount -o remount,ro /mnt/small",
    );
    try {
      await expect(life.up(onSmall("new"))).rejects.toThrow(/Read-only file system\n.*writable/);
      expect(await bed.sh("cat /mnt/small/file")).toBe("old\n");
      await bed.sh("mount -o remount,rw /mnt/small");
      await life.up(onSmall("new"));
      await life.destroy();
      expect(await bed.sh("cat /mnt/small/file")).toBe("old\n");
    } finally {
      await bed.sh("umount /mnt/small && rmdir /mnt/small");
    }
  }, 120_000);

  test("an immutable file", async () => {
    const { code } = await bed.lab.sh("mirror", "touch /srv/immutable && chattr +i /srv/immutable");
    const life = resource("immutable");
    const attempt = life.up(wants({ files: { "/srv/immutable": { content: "new" } } }));
    // The overlay of some kernels does not have this attribute.
    if (code === 0) await expect(attempt).rejects.toThrow(/Operation not permitted\n.*immutable/);
    else await attempt;
    await bed.lab.sh("mirror", "chattr -i /srv/immutable");
    await life.destroy();
    await bed.sh("rm /srv/immutable");
  }, 120_000);
});

test("a directory with other files in it stays after a removal, and a warning names it", async () => {
  const life = resource("content");
  await life.up(wants({ directories: { "/srv/data": {} } }));
  await bed.sh("touch /srv/data/theirs");
  await life.destroy();
  expect(life.heard.warnings).toEqual([expect.stringMatching(/^\/srv\/data is kept/)]);
  await bed.sh("rm -r /srv/data");
  expect(await differences()).toEqual([]);
}, 120_000);

import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Manifest, manifestDifferences } from "../../../lab/manifest.ts";
import { until } from "../../../lab/until.ts";
import { files } from "../../../resources/host/files.ts";
import { services } from "../../../resources/host/services.ts";
import type { Json } from "../../../resources/kernel/definition.ts";
import { digestOf } from "../../../values/digest.ts";
import { LifeCycle, ResourceLab } from "./life-cycle.ts";

let bed: ResourceLab;
let before: Manifest;
const made: LifeCycle[] = [];

const site = "/etc/nginx/conf.d/lab.conf";
const siteSaying = (word: string) => `server { listen 8088; location / { return 200 ${word}; } }\n`;
const sleeper = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";

beforeAll(async () => {
  bed = await ResourceLab.up("res-svc", ["upstream", "mirror"]);
  await bed.sh(
    "apt-get -q update >/dev/null && apt-get -qy install --no-install-recommends nginx >/dev/null",
  );
  before = await bed.manifest();
}, 600_000);
afterEach(async () => {
  for (const life of made.splice(0)) await life.destroy();
  await bed.sh(`rm -f ${site}; systemctl reload-or-restart nginx`);
}, 120_000);
afterAll(() => bed?.down(), 60_000);

function resource(name: string): LifeCycle {
  const life = new LifeCycle(services, name);
  made.push(life);
  return life;
}

function wants(declared: Record<string, Json>) {
  return { host: "mirror", services: declared };
}

const write = (path: string, content: string) => bed.sh(`printf '%s' '${content}' > ${path}`);
const differences = async () => manifestDifferences(before, await bed.manifest());
const shown = async (unit: string, property: string) =>
  (await bed.sh(`systemctl show --property=${property} --value ${unit}`)).trim();
const served = () => bed.sh("curl -s http://127.0.0.1:8088/ || true");

describe("a unit whose file is declared", () => {
  test("is made, enabled and started, has no drift, and is removed without traces", async () => {
    const life = resource("own");
    const declared = wants({ "lab-sleeper.service": { unit: sleeper } });
    await life.up(declared);
    expect(await shown("lab-sleeper", "ActiveState")).toBe("active");
    expect(await shown("lab-sleeper", "UnitFileState")).toBe("enabled");
    expect((await life.preview(declared)).change).toBe("none");
    await life.destroy();
    expect(await shown("lab-sleeper", "LoadState")).toBe("not-found");
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("is restarted when its file changes, or a drop-in is added, changed or removed", async () => {
    const life = resource("changing");
    const unit = "lab-sleeper.service";
    const seen: string[] = [];
    for (const service of [
      { unit: sleeper },
      { unit: sleeper.replace("infinity", "12345") },
      { unit: sleeper, dropIns: { "nice.conf": "[Service]\nNice=5\n" } },
      { unit: sleeper, dropIns: { "nice.conf": "[Service]\nNice=6\n" } },
      { unit: sleeper },
    ]) {
      await life.up(wants({ [unit]: service }));
      expect((await life.preview(wants({ [unit]: service }))).change).toBe("none");
      seen.push(
        `${await shown(unit, "InvocationID")} nice ${await bed.sh(`ps -o ni= -p $(systemctl show -p MainPID --value ${unit})`)}`,
      );
    }
    expect(new Set(seen.map((line) => line.split(" ")[0])).size).toBe(5);
    expect(seen.map((line) => line.split(" ").at(-1)?.trim())).toEqual(["0", "0", "5", "6", "0"]);
  }, 120_000);

  test("that ends right after its start is an error with its last output", async () => {
    const life = resource("dying");
    const unit = '[Service]\nExecStart=/bin/sh -c "echo no tea left; sleep 0.5; exit 3"\n';
    await expect(life.up(wants({ "lab-dying.service": { unit } }))).rejects.toThrow(/no tea left/);
    await life.up(wants({ "lab-dying.service": { unit: sleeper } }));
    expect((await life.preview(wants({ "lab-dying.service": { unit: sleeper } }))).change).toBe("none");
  }, 120_000);

  test("that systemd cannot parse is an error", async () => {
    const unit = "[Service]\nExecStart=not/absolute/\n";
    await expect(resource("bad").up(wants({ "lab-bad.service": { unit } }))).rejects.toThrow(
      /lab-bad.service/,
    );
  }, 120_000);
});

describe("drift of a unit is reported and repaired:", () => {
  const unit = "lab-sleeper.service";
  const declared = wants({ [unit]: { unit: sleeper, dropIns: { "a.conf": "[Service]\nNice=1\n" } } });

  test.each<[string, string, Record<string, [Json, Json]>]>([
    ["stopped", `systemctl stop ${unit}`, { [`services[${unit}][running]`]: [false, true] }],
    [
      "killed",
      `systemctl kill --signal=KILL ${unit}`,
      {
        [`services[${unit}][running]`]: [false, true],
        "status[units]": [`${unit} is failed (signal)`, "in order"],
      },
    ],
    ["disabled", `systemctl disable ${unit}`, { [`services[${unit}][enabled]`]: [false, true] }],
    [
      "edited",
      `printf '[Service]\\nNice=9\\n' > /etc/systemd/system/${unit}.d/a.conf`,
      {
        [`services[${unit}][dropIns][a.conf]`]: ["[Service]\nNice=9\n", "[Service]\nNice=1\n"],
        "status[loaded]": [
          `${unit} has not loaded /etc/systemd/system/${unit}.d/a.conf`,
          "the files as they are",
        ],
      },
    ],
  ])(
    "%s",
    async (name, change, differs) => {
      const life = resource(name);
      await life.up(declared);
      await bed.sh(change);
      let found = await life.preview(declared);
      await until("the change has arrived", 5000, async () => {
        if (found.change === "none") found = await life.preview(declared);
        return found.change === "update";
      });
      expect(found.differs).toEqual(differs);
      await life.up(declared);
      expect((await life.preview(declared)).change).toBe("none");
      expect(await shown(unit, "ActiveState")).toBe("active");
    },
    60_000,
  );

  test("masked", async () => {
    const life = resource("masked");
    const nginx = wants({ "nginx.service": {} });
    await life.up(nginx);
    await bed.sh("systemctl mask --now nginx");
    expect((await life.up(nginx)).differs).toEqual({
      "services[nginx.service][enabled]": [false, true],
      "services[nginx.service][running]": [false, true],
      "status[units]": ["nginx.service is masked", "in order"],
    });
    expect((await life.preview(nginx)).change).toBe("none");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);
});

test.each([
  ["masked", "systemctl mask --now nginx", "masked", "systemctl unmask nginx"],
  [
    "masked at runtime",
    "systemctl disable --now nginx && systemctl mask --runtime nginx",
    "masked-runtime",
    "systemctl unmask --runtime nginx",
  ],
  [
    "enabled at runtime",
    "systemctl disable --now nginx && systemctl enable --runtime nginx",
    "disabled",
    "systemctl disable --runtime nginx",
  ],
  [
    "linked at runtime",
    "systemctl disable --now nginx && cp /lib/systemd/system/nginx.service /srv/lab-linked.service && systemctl link --runtime /srv/lab-linked.service",
    "linked-runtime",
    "rm /srv/lab-linked.service /run/systemd/system/lab-linked.service && systemctl daemon-reload",
  ],
])(
  "a unit that is %s agrees with enabled: false and running: false",
  async (state, prepare, after, undo) => {
    const unit = state === "linked at runtime" ? "lab-linked.service" : "nginx.service";
    const resting = wants({ [unit]: { enabled: false, running: false } });
    try {
      await bed.sh(prepare);
      const found = await shown(unit, "UnitFileState");
      const life = resource("resting");
      await life.up(resting);
      expect((await life.preview(resting)).change).toBe("none");
      expect(await shown(unit, "UnitFileState")).toBe(after);
      await life.destroy();
      expect(await shown(unit, "UnitFileState")).toBe(found);
    } finally {
      await bed.sh(undo);
      await bed.sh("systemctl enable --now nginx");
    }
  },
  60_000,
);

test("a unit that was enabled at runtime, and then permanently, is restored by a removal", async () => {
  try {
    await bed.sh("systemctl disable --now nginx && systemctl enable --runtime nginx");
    const life = resource("for-good");
    await life.up(wants({ "nginx.service": { enabled: true, running: true } }));
    expect(await shown("nginx", "UnitFileState")).toBe("enabled");
    const resting = wants({ "nginx.service": { enabled: false, running: false } });
    await life.up(resting);
    expect(await shown("nginx", "UnitFileState")).toBe("disabled");
    expect((await life.preview(resting)).change).toBe("none");
    await life.up(wants({ "nginx.service": { enabled: true, running: true } }));
    await life.destroy();
    expect(await shown("nginx", "UnitFileState")).toBe("enabled-runtime");
  } finally {
    await bed.sh("systemctl disable --runtime nginx; systemctl enable --now nginx");
  }
}, 60_000);

describe("files that a service reads", () => {
  const declaring = (word: string) =>
    wants({ "nginx.service": { reloadOn: { [site]: digestOf(siteSaying(word)) } } });

  test("make it reload, not restart, when they change", async () => {
    const life = resource("reload");
    await write(site, siteSaying("one"));
    await life.up(declaring("one"));
    const invocation = await shown("nginx", "InvocationID");
    expect(await served()).toBe("one");
    await write(site, siteSaying("two"));
    const preview = await life.up(declaring("two"));
    expect(Object.keys(preview.differs)).toContain("status[loaded]");
    // The new content is served at once, because the next program that requests it does not try again.
    for (let request = 0; request < 5; request++) expect(await served()).toBe("two");
    expect(await shown("nginx", "InvocationID")).toBe(invocation);
    expect((await life.preview(declaring("two"))).change).toBe("none");
  }, 120_000);

  test("with an error in them make the reload fail, and the service continues with the old ones", async () => {
    const life = resource("mistake");
    await write(site, siteSaying("good"));
    await life.up(declaring("good"));
    const broken = "server { lisen 8088; }\n";
    await write(site, broken);
    const wrong = wants({ "nginx.service": { reloadOn: { [site]: digestOf(broken) } } });
    await expect(life.up(wrong)).rejects.toThrow(/unknown directive.*lisen[\s\S]*It still runs as before/);
    expect(await served()).toBe("good");
    await expect(life.up(wrong)).rejects.toThrow(/lisen/);
    await write(site, siteSaying("mended"));
    await life.up(declaring("mended"));
    expect(await served()).toBe("mended");
  }, 120_000);

  test("edited by hand are reported with their digests", async () => {
    const life = resource("hand");
    await write(site, siteSaying("ours"));
    await life.up(declaring("ours"));
    await write(site, siteSaying("theirs"));
    expect((await life.preview(declaring("ours"))).differs).toEqual({
      [`services[nginx.service][reloadOn][${site}]`]: [
        digestOf(siteSaying("theirs")),
        digestOf(siteSaying("ours")),
      ],
      "status[loaded]": [`nginx.service has not loaded ${site}`, "the files as they are"],
    });
    await bed.sh("systemctl reload nginx");
    await write(site, siteSaying("ours"));
    await life.up(declaring("ours"));
  }, 120_000);

  test("that the running service has not loaded make it reload at the next update", async () => {
    const life = resource("late");
    await write(site, siteSaying("one"));
    await life.up(declaring("one"));
    await write(site, siteSaying("two"));
    expect((await life.preview(declaring("two"))).differs).toEqual({
      "status[loaded]": [`nginx.service has not loaded ${site}`, "the files as they are"],
    });
    await life.up(declaring("two"));
    expect(await served()).toBe("two");
  }, 120_000);
});

describe("files that nginx checks before it loads them", () => {
  const checked = (content: string, command = "nginx -t -q") => ({
    host: "mirror",
    secretFiles: { [site]: { content } },
    checks: { "nginx.service": { command, ports: [8088] } },
    holds: { "TCP port 8088": "http" },
  });
  const configuration = (name: string) => {
    const life = new LifeCycle(files, name);
    made.push(life);
    return life;
  };

  test("are loaded without another resource when a secret file among them changes", async () => {
    const life = configuration("secret");
    await life.up(checked(siteSaying("one")));
    expect(await served()).toBe("one");
    await life.up(checked(siteSaying("two")));
    expect(await served()).toBe("two");
    expect((await life.preview(checked(siteSaying("two")))).change).toBe("none");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("are refused in the preview if they are wrong or the port is in use, and nothing changes", async () => {
    const life = configuration("refused");
    const bad = checked("server { listen 8088; ssl_certificate /etc/nginx/none.crt; }\n");
    await expect(life.preview(bad)).rejects.toThrow(
      /new configuration of nginx.service: .*Nothing has been changed/s,
    );
    expect(await differences()).toEqual([]);
    await bed.sh("systemd-run --quiet --unit=squatter python3 -m http.server 8088");
    await until("the port", 20_000, async () => (await bed.sh("ss -Hltn 'sport = :8088'")) !== "");
    await expect(life.preview(checked(siteSaying("one")))).rejects.toThrow(
      /port 8088: python3.* \(process \d+\)/,
    );
    await bed.sh("systemctl stop squatter");
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("that a running nginx refuses are restored, and nginx starts again with the previous files", async () => {
    const life = configuration("put-back");
    await life.up(checked(siteSaying("one")));
    const refused = checked("server { listen 8088; return nonsense; }\n", "true");
    await expect(life.up(refused)).rejects.toThrow(/reloading nginx.service: .*restored/s);
    expect(await bed.sh(`cat ${site}`)).toBe(siteSaying("one"));
    await bed.sh("systemctl restart nginx");
    expect(await served()).toBe("one");
    expect((await life.preview(checked(siteSaying("one")))).change).toBe("none");
  }, 120_000);

  test("are reported and corrected after a kill of the update before nginx has checked them", async () => {
    const life = configuration("killed");
    await life.up(checked(siteSaying("one")));
    // The preview checks the present files, and then the change in a separate mount namespace.
    const slow = checked(
      siteSaying("two"),
      `test ! -e /run/hold || ! grep -q three ${site} || test "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/1/ns/mnt)" || exec sleep 300`,
    );
    await life.up(slow);
    expect(await served()).toBe("two");
    await bed.sh("touch /run/hold");
    const lost = life
      .up({ ...slow, secretFiles: { [site]: { content: siteSaying("three") } } })
      .catch(() => {});
    await until("the check", 20_000, async () => (await bed.sh("pgrep -xf 'sleep 300' || true")) !== "");
    expect(await bed.sh(`cat ${site}`)).toBe(siteSaying("three"));
    await bed.sh("rm /run/hold; kill -9 -- -$(ps -o pgid= -p $(pgrep -xf 'sleep 300') | tr -d ' ')");
    await lost;
    expect(Object.keys((await life.preview(slow)).differs)).toContain("status[change]");
    await life.up(slow);
    expect(await served()).toBe("two");
  }, 120_000);
});

describe("the previous state of a unit", () => {
  test.each([
    ["enabled and running", "systemctl enable --now nginx"],
    ["disabled and running", "systemctl start nginx; systemctl disable nginx"],
    ["disabled and stopped", "systemctl disable --now nginx"],
    ["masked", "systemctl disable --now nginx; systemctl mask nginx"],
  ])(
    "is restored by a removal: %s",
    async (_, prepare) => {
      try {
        await bed.sh(prepare);
        const found = await bed.manifest();
        const life = resource("back");
        await life.up(wants({ "nginx.service": { dropIns: { "lab.conf": "[Service]\nNice=3\n" } } }));
        expect(await shown("nginx", "ActiveState")).toBe("active");
        expect(await bed.sh("ps -o ni= -C nginx | sort -u")).toMatch(/^\s*3\n$/);
        await life.destroy();
        expect(manifestDifferences(found, await bed.manifest())).toEqual([]);
        expect(await bed.sh("ps -o ni= -C nginx | sort -u || true")).not.toMatch(/3/);
      } finally {
        await bed.sh("systemctl unmask nginx; systemctl enable --now nginx");
      }
    },
    60_000,
  );

  test("that two resources share is restored by the last of them", async () => {
    await bed.sh("systemctl stop nginx");
    const [one, two] = [resource("one"), resource("two")];
    await Promise.all([one.up(wants({ "nginx.service": {} })), two.up(wants({ "nginx.service": {} }))]);
    await expect(resource("three").up(wants({ "nginx.service": { running: false } }))).rejects.toThrow(
      /services-test-(one|two).*\n.*alias/,
    );
    await one.destroy();
    expect(await shown("nginx", "ActiveState")).toBe("active");
    await two.destroy();
    expect(await shown("nginx", "ActiveState")).toBe("inactive");
    await bed.sh("systemctl start nginx");
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("that is no longer declared is restored, and the other units stay", async () => {
    const life = resource("shrinks");
    await life.up(wants({ "lab-sleeper.service": { unit: sleeper }, "nginx.service": {} }));
    await life.up(wants({ "nginx.service": {} }));
    expect(await shown("lab-sleeper", "LoadState")).toBe("not-found");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);
});

test("a unit that does not exist is an error that names it", async () => {
  await expect(resource("none").up(wants({ "lab-none.service": {} }))).rejects.toThrow(
    /looking for lab-none.service: the host has no such unit/,
  );
}, 120_000);

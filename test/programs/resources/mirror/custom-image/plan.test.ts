import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { beginningBytes } from "../../../../../content/image-file.ts";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import type { RunOptions, RunResult } from "../../../../../hosts/host.ts";
import { imageFileFacts } from "../../../../../resources/host/file-facts.ts";
import {
  type CustomImagePlanRequest,
  planCustomImage,
} from "../../../../../resources/mirror/custom-image/plan.ts";
import { HostOnThisMachine } from "../../../../host-on-this-machine.ts";
import { scratchDirectory } from "../published-tree/job-on-this-machine.ts";

let root: string;
let request: CustomImagePlanRequest;
const cacheBefore = process.env.XDG_CACHE_HOME;

beforeEach(() => {
  root = scratchDirectory("custom-image");
  process.env.XDG_CACHE_HOME = join(root, "cache");
  const file = join(root, "rocky9.tar.gz");
  execFileSync("tar", ["-czf", file, "-C", "/etc", "hostname"]);
  request = {
    host: "mirror",
    directory: join(root, "stream"),
    store: join(root, "store"),
    image: {
      os: "rhel",
      release: "rocky9",
      releaseTitle: "Rocky Linux 9",
      version: "9",
      architecture: "amd64",
    },
    file: { path: file },
  };
});

afterEach(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(root, { recursive: true, force: true });
});

/** A host whose commands run here. Its answers may be replaced. */
class Answering extends HostOnThisMachine {
  readonly #answer: string | undefined;
  constructor(answer: string | undefined) {
    super("mirror", root);
    this.#answer = answer;
  }
  override async run(script: string, options: RunOptions = {}): Promise<RunResult> {
    if (this.#answer === undefined) return super.run(script, options);
    return { stdout: this.#answer, stderr: "", code: 0 };
  }
}
const hostThat = (answer?: string) => new Answering(answer);

async function refusal(work: Promise<unknown>): Promise<ExplainedError> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  if (!(error instanceof ExplainedError)) throw new Error(`not refused, but ${error?.stack ?? error}`);
  return error;
}

describe("a custom image", () => {
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "");

  test("is planned with the current day as its version", async () => {
    const { serial, distroSeries } = await planCustomImage(request, hostThat());
    expect(serial).toBe(day);
    expect(distroSeries).toBe("rhel/rocky9");
  });

  const out = ["../../../etc/cron.d/x", "/etc/x", "a/../../x", "a\nb", "..", ".", "", "a\0b", "\u009b2J"];
  test.each(["release", "version", "architecture", "os"] as const)(
    "whose %s is not a safe name for a directory is refused",
    async (field) => {
      for (const value of out) {
        const image = { ...request.image, [field]: value };
        expect(
          (await refusal(planCustomImage({ ...request, image }, hostThat()))).explanation.values,
        ).toEqual([field]);
      }
    },
  );

  test.each(["constructor", "__proto__", "toString"])(
    "is checked by the same rules if its name is the JavaScript property %s",
    async (name) => {
      const image = { ...request.image, os: name };
      expect((await refusal(planCustomImage({ ...request, image }, hostThat()))).explanation.values).toEqual([
        "os",
      ]);
      if (name !== "constructor") return;
      const called = { ...request.image, release: name };
      const { distroSeries } = await planCustomImage({ ...request, image: called }, hostThat());
      expect(distroSeries).toBe("rhel/constructor");
    },
  );
});

describe("the summary of the published image on a host", () => {
  const image = {
    os: "rhel",
    release: "rocky9",
    releaseTitle: "Rocky Linux 9",
    version: "9",
    architecture: "amd64",
  };
  const published = {
    updated: "2026-11-01T00:00:00Z",
    image: { ...image, serial: "20261101", sha256: "a".repeat(64) },
  };

  const publish = (text: string) => {
    mkdirSync(join(request.directory, "trees/000001-aaaaaaaaaaaa"), { recursive: true });
    writeFileSync(join(request.directory, "trees/000001-aaaaaaaaaaaa/summary.json"), text);
    symlinkSync("trees/000001-aaaaaaaaaaaa", join(request.directory, "current"));
  };

  test.each<[string, unknown, RegExp]>([
    ["a string", "x", /it is not an object/],
    ["no image", {}, /its (updated|image) is missing/],
    [
      "a serial that is a path",
      { ...published, image: { ...published.image, serial: "../x" } },
      /image.serial/,
    ],
    ["a serial that is a number", { ...published, image: { ...published.image, serial: 7 } }, /image.serial/],
    ["a date with a year above 9999", { ...published, updated: "+200000-01-01T00:00:00Z" }, /its updated is/],
  ])("is refused and named: %s", async (_, summary, found) => {
    publish(JSON.stringify(summary));
    const { explanation } = await refusal(planCustomImage(request, hostThat()));
    expect(explanation.found).toMatch(found);
    expect(explanation.step).toMatch(/summary.json$/);
  });

  test("is refused if it is cut off, and a valid summary leads to the next version", async () => {
    publish('{"image":');
    expect((await refusal(planCustomImage(request, hostThat()))).explanation.found).toMatch(/it is not JSON/);
    rmSync(request.directory, { recursive: true });
    publish(JSON.stringify(published));
    const { changes } = await planCustomImage(request, hostThat());
    expect(changes[0]).toMatch(/^rhel\/rocky9 amd64 20261101 -> \d{8}, /);
  });
});

describe("the file of an image", () => {
  test("is reported if it cannot be read", async () => {
    const { explanation } = await refusal(imageFileFacts({ path: "/proc/self/mem" }));
    expect(explanation.found).toMatch(/cannot be read on this workstation \(E[A-Z]+\)/);
  });

  test.each(["x", "12 nothex ", `-1 ${"a".repeat(64)} x`, `1e9 ${"a".repeat(64)} x`])(
    "is refused if the host answers %j for its size and digest",
    async (answer) => {
      const file = { path: "/srv/rocky9.tar.gz", host: "mirror" };
      const { explanation } = await refusal(imageFileFacts(file, hostThat(answer)));
      expect(explanation.host).toBe("mirror");
      expect(explanation.found).toMatch(/does not return its size and SHA-256|there is no such file/);
    },
  );

  test("is unpacked only at its beginning, even if the host sends a large file", async () => {
    // A tar archive of 200 MB in 200 kB. Unpacked as a whole it is over the limit, and is then not known as an archive.
    const bomb = execFileSync(
      "sh",
      ["-c", "{ tar -cC /etc hostname; head -c 200000000 /dev/zero; } | gzip -9"],
      {
        maxBuffer: 1e8,
      },
    );
    const answer = `5 ${"a".repeat(64)} ${bomb.toString("base64")}`;
    const file = { path: "/srv/rocky9.tar.gz", host: "mirror" };
    expect(await imageFileFacts(file, hostThat(answer))).toEqual({
      size: 5,
      sha256: "a".repeat(64),
      packing: "gzip",
      tar: true,
      first: { name: "hostname", isFile: true },
    });
  });

  test("is sent from a host only at its beginning", async () => {
    let sent = 0;
    class Counting extends HostOnThisMachine {
      override async run(script: string, options: RunOptions = {}): Promise<RunResult> {
        const result = await super.run(script, options);
        sent += result.stdout.length;
        return result;
      }
    }
    const path = join(root, "disk.img");
    writeFileSync(path, Buffer.alloc(1_000_000, 1));
    const { size } = await imageFileFacts({ path, host: "mirror" }, new Counting("mirror", root));
    expect(size).toBe(1_000_000);
    expect(sent).toBeGreaterThan(beginningBytes);
    expect(sent).toBeLessThan(beginningBytes * 1.5);
  });
});

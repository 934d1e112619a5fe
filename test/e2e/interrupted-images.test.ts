import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { until } from "../../lab/until.ts";
import { CuttableConnections, saying, type Way, waysToInterrupt } from "./interruption.ts";
import { type Running, Stack, succeeded } from "./stack.ts";
import { SuppliedMaas } from "./supplied-maas.ts";

/*
 * An update that brings images through a mirror into MAAS is interrupted in every way, at each step of an image. The
 * next update must succeed. MAAS and the mirror's trees must then be the same as without an interruption.
 */

const name = "e2e-interrupted-images";
let lab: Lab;
let maas: SuppliedMaas;
let connections: CuttableConnections;
/** The result of uninterrupted updates. */
let expected: readonly string[];
let stack: Stack;
let stacks = 0;

beforeAll(async () => {
  await labDown(name); // remains of a killed run would be in the result
  lab = await labUp(name, { hosts: ["upstream", "mirror", "maas"] });
  maas = new SuppliedMaas(lab);
  await maas.images.reset();
  connections = await CuttableConnections.to(lab, ["mirror", "maas"]);
  await newStack(lab.paths.sshConfig);
  succeeded(await stack.up());
  expected = await maas.holds();
  expect(expected).toEqual(
    expect.arrayContaining([
      "Synced rhel/rocky9 amd64/generic wanted",
      "Synced ubuntu/noble amd64/ga-24.04 wanted",
      expect.stringMatching(/^Uploaded .*golden amd64\/generic wanted$/),
    ]),
  );
  expect(expected.filter((line) => line.startsWith("source "))).toHaveLength(2);
}, 180_000);

afterAll(async () => {
  stack?.discard();
  maas?.discard();
  await connections?.close();
  await labDown(name);
}, 120_000);

/** No mirror and no images exist. Packages stay installed. */
async function newStack(sshConfig: string): Promise<void> {
  if (stack) {
    succeeded(await stack.destroy());
    stack.discard();
  }
  await lab.sh("mirror", "rm -rf /srv/airgapped-maas");
  await maas.maas.reset();
  stack = await Stack.create({ name: `i${++stacks}` });
  stack.configure({ ...maas.site(), sshConfig });
}

/** The mirrors' trees are complete, and no incomplete files are beside them. */
async function trees(): Promise<string> {
  const { code, stdout, stderr } = await lab.sh(
    "mirror",
    `set -e
    for root in /srv/airgapped-maas/${stack.name}/images/images /srv/airgapped-maas/${stack.name}/custom-images/rocky9; do
      cd $root
      cut -f1,4 current/listing | sed 's/\\t/  /' | sha256sum --check --quiet
      echo left: $(find . -path ./work -o -name unfinished -o -name '*.new' -o -name '.airgapped-maas.*')
    done`,
  );
  return `${code} ${stdout} ${stderr}`.trim();
}

interface Moment {
  readonly label: string;
  /** The host where the moment occurs. */
  readonly host: "mirror" | "maas";
  /** Gives the update slow work on this host. */
  prepare(): Promise<unknown>;
  reached(run: Running): Promise<void>;
}

const prints = (line: RegExp) => (run: Running) => saying(run, line);

async function freshMaas(seconds: number): Promise<void> {
  await maas.maas.reset();
  await maas.maas.control({ slow: seconds });
}

async function anotherUpload(): Promise<void> {
  maas.change("golden");
  await maas.maas.control({ slow: 0.25 });
}

const nextSerial: Moment = {
  label: "while the next serial is fetched",
  host: "mirror",
  async prepare() {
    await maas.images.publishSerial();
    await maas.images.tamper("slow");
  },
  reached: prints(/fetching \d+ files/),
};

const duringImport: Moment = {
  label: "while MAAS imports",
  host: "maas",
  async prepare() {
    await maas.maas.reset();
    await maas.throttle(200_000);
  },
  reached: prints(/\d+ of \d+ images are complete/),
};

const moments: readonly Moment[] = [
  {
    label: "while the first serials are fetched",
    host: "mirror",
    prepare: () => maas.images.tamper("slow"),
    reached: prints(/fetching \d+ files/),
  },
  nextSerial,
  {
    label: "while a custom image is published",
    host: "mirror",
    prepare: async () => maas.change("rocky9"),
    reached: prints(/sending \S*rocky9/),
  },
  {
    label: "before MAAS has the boot source",
    host: "maas",
    prepare: () => freshMaas(0.25),
    reached: prints(/creating the boot source/),
  },
  {
    label: "when MAAS has the boot source",
    host: "maas",
    prepare: () => freshMaas(0.25),
    reached: prints(/selecting \w+\/\w+/),
  },
  {
    label: "when MAAS has one of the selections",
    host: "maas",
    prepare: () => freshMaas(0.25),
    reached: prints(/selecting (?<one>\w+\/\w+)[\s\S]*selecting (?!\k<one>)/),
  },
  duringImport,
  {
    label: "while the first part of an upload is sent",
    host: "maas",
    prepare: anotherUpload,
    reached: async () => {
      const sha256 = maas.sha256("golden");
      await until("the upload's declaration", 30_000, async () => (await maas.database()).includes(sha256));
    },
  },
  {
    label: "in the middle of an upload",
    host: "maas",
    prepare: anotherUpload,
    reached: prints(/\b41 % of 9\.5 MiB/),
  },
  {
    label: "while the last part of an upload is sent",
    host: "maas",
    prepare: anotherUpload,
    reached: prints(/\b83 % of 9\.5 MiB/),
  },
];

async function isCompletedAfter(
  moment: Moment,
  { interrupt, tidy }: Way,
  { kills = false } = {},
): Promise<void> {
  await moment.prepare();
  const run = stack.start("up", "--yes", "--skip-preview");
  try {
    await moment.reached(run);
    await interrupt(run, moment.host);
    // Updates may survive cut connections and reboots. If an update survives a kill, the kill was too late.
    const { code } = await run.done;
    expect(kills && code === 0).toBe(false);
  } finally {
    await maas.images.restore();
    await maas.throttle(0);
    await maas.maas.control({ slow: 0 });
  }
  await tidy?.(stack, moment.host);
  succeeded(await stack.up());
  expect(await maas.holds()).toEqual(expected);
  expect(await trees()).toBe("0 left:\nleft:");
}

const { "a reboot of the host": reboot, ...ways } = waysToInterrupt(
  () => lab,
  () => connections,
);

/** Each moment with a kill of the CLI, and every other one with one of the other ways. */
const tried: Readonly<Record<string, readonly Moment[]>> = {
  "SIGKILL of the CLI": moments,
  "SIGKILL of the provider": moments.filter((_, index) => index % 4 === 0),
  "cut SSH connections": moments.filter((_, index) => index % 4 === 2),
};

describe.each(Object.entries<Way>(ways))("after an interruption by %s", (way, how) => {
  beforeAll(
    () => newStack(way === "cut SSH connections" ? connections.sshConfig : lab.paths.sshConfig),
    60_000,
  );

  test.each(tried[way] ?? moments)(
    "$label: the next update completes the mirrors and MAAS",
    (moment) => isCompletedAfter(moment, how, { kills: way.startsWith("SIGKILL") }),
    90_000,
  );

  test("another update changes nothing", async () => {
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 60_000);
});

describe("after an interruption by a reboot", () => {
  test.each([duringImport, nextSerial])(
    "of host $host $label: the next update completes the mirrors and MAAS",
    (moment) => isCompletedAfter(moment, reboot),
    120_000,
  );
});

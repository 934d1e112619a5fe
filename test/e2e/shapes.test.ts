import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { archiveKey } from "../../lab/archive/openpgp-key.ts";
import { type Shape, shapes } from "../../lab/archive/shapes.ts";
import { writeShape } from "../../lab/archive/write-shape.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { AptClient } from "./apt-client.ts";
import { labSite, Stack, succeeded, type Values } from "./stack.ts";

/* Archives with vendors' layouts, mirrored side by side, and a client that installs and updates from each. */

const labName = "e2e-shapes";
const signers = {
  docker: "mirror",
  "cloud-archive": "mirror",
  mongodb: "mirror",
  ceph: "mirror",
  postgresql: "mirror",
  esm: "mirror",
  launchpad: "upstream",
  mariadb: "upstream",
  hashicorp: "upstream",
  nvidia: "upstream",
  jenkins: "upstream",
} as const;
const chosen = shapes.filter(({ name }) => name in signers);

let lab: Lab;
let stack: Stack;
let mirrors: Values;

/** Publishes every shape with its packages in this version. */
async function publish(version: string): Promise<void> {
  const key = await archiveKey("stranger");
  const inVersion = ({ packages, ...shape }: Shape): Shape => ({
    ...shape,
    packages: packages.map((each) => ({
      ...each,
      version,
      path: each.path.replace("_1.0_", `_${version}_`),
    })),
  });
  await Promise.all(
    chosen.map((shape) => writeShape(inVersion(shape), join(lab.paths.archive, "shapes", shape.name), key)),
  );
}

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "client"] });
  stack = await Stack.create();
  await publish("1.0");
  const { publicArmored } = await archiveKey("stranger");
  stack.configure(
    labSite(
      lab,
      Object.fromEntries(
        chosen.map(({ name, suite, components }) => [
          name,
          {
            upstream: { url: `http://archive.lab/shapes/${name}`, key: publicArmored },
            suites: [suite],
            components: components.length > 0 ? components : undefined,
            signing: signers[name as keyof typeof signers],
            serve: { path: `/${name}` },
          },
        ]),
      ),
    ),
  );
  succeeded(await stack.up());
  ({ mirrors } = await stack.outputs());
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

async function installedFrom({ name, packages }: Shape): Promise<string[]> {
  const client = await AptClient.on(lab, "client", name, mirrors[name].sourcesEntry);
  await client.update();
  const versions: string[] = [];
  for (const each of packages) versions.push(await client.install(each.name));
  return versions;
}

test("a client installs from each mirror, and installs upstream's next version after an update", async () => {
  const installed = async () => {
    const versions: Record<string, string[]> = {};
    // One after the other, because dpkg has one lock.
    for (const shape of chosen) versions[shape.name] = [...new Set(await installedFrom(shape))];
    return versions;
  };
  expect(await installed()).toEqual(Object.fromEntries(chosen.map(({ name }) => [name, ["1.0"]])));
  await publish("1.1");
  succeeded(await stack.up());
  expect(await installed()).toEqual(Object.fromEntries(chosen.map(({ name }) => [name, ["1.1"]])));
}, 300_000);

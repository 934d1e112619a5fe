import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { hosts, stackOfEveryKind } from "../contract/releases/every-kind.ts";
import { importState, releases, resourcesOf, type StoredResource } from "../contract/releases/states.ts";
import { UnpackedRelease } from "../contract/releases/unpacked.ts";
import { type Stack, succeeded } from "./stack.ts";

/*
 * A stack that the last release has updated, on hosts that were installed again later. Each kind of resource reads the
 * state that the last release stored.
 */

const labName = "e2e-last-release";
const last = releases.at(-1) as string;
let lab: Lab;
let release: UnpackedRelease;
let stack: Stack;
let resources: readonly StoredResource[];

beforeAll(async () => {
  lab = await labUp(labName, { hosts });
  release = new UnpackedRelease();
  stack = await stackOfEveryKind(release, lab);
  await importState(stack, last);
  resources = await resourcesOf(last);
}, 300_000);

afterAll(async () => {
  stack?.discard();
  release?.discard();
  await labDown(labName);
}, 120_000);

test("a preview reports each stored resource as missing or different on the new hosts", async () => {
  const { steps } = succeeded(await stack.preview());
  const stored = resources.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/"));
  const ours = steps.filter(({ urn }) => stored.some((each) => each.urn === urn));
  // A new MAAS has these settings already.
  const unchanged = /::maas-releases$/;
  const expected = stored.map(({ urn }) => urn).filter((urn) => !unchanged.test(urn));
  expect(ours.map(({ urn }) => urn).sort()).toEqual(expected.sort());
  // Packages and the defaults of MAAS exist on each host, in another state.
  const kept = ours.filter(({ op }) => op !== "create");
  expect(new Set(kept.map(({ op }) => op))).toEqual(new Set(["update"]));
  expect([...new Set(kept.map(({ type }) => type))].sort()).toEqual([
    "MaasArchive",
    "MaasBootSources",
    "MaasSettings",
    "Packages",
  ]);
}, 90_000);

test("pulumi destroy without a refresh removes all stored resources", async () => {
  const { counts } = succeeded(await stack.destroy("--refresh=false"));
  const stored = resources.filter(({ type }) => !type.startsWith("pulumi:providers:"));
  expect(counts).toEqual({ delete: stored.length });
  expect(await stack.ok(["stack", "export", "--stack", stack.name])).not.toContain('"urn"');
}, 180_000);

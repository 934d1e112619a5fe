import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { hosts, stackOfEveryKind } from "../contract/releases/every-kind.ts";
import { importState, releases, resourcesOf } from "../contract/releases/states.ts";
import { UnpackedRelease } from "../contract/releases/unpacked.ts";
import { type Stack, succeeded } from "./stack.ts";

/*
 * A stack that the last release has updated, on hosts that were installed again since: each kind of resource reads what
 * the last release stored.
 */

const labName = "e2e-last-release";
const last = releases.at(-1) as string;
let lab: Lab;
let release: UnpackedRelease;
let stack: Stack;

beforeAll(async () => {
  lab = await labUp(labName, { hosts });
  release = new UnpackedRelease();
  stack = await stackOfEveryKind(release, lab);
  await importState(stack, last);
}, 300_000);

afterAll(async () => {
  stack?.discard();
  release?.discard();
  await labDown(labName);
}, 120_000);

test("a preview finds that the hosts have nothing of it", async () => {
  const { counts, steps } = succeeded(await stack.preview());
  const stored = (await resourcesOf(last)).filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/"));
  const created = steps.filter(({ op }) => op === "create").map(({ urn }) => urn);
  expect(created.sort()).toEqual(stored.map(({ urn }) => urn).sort());
  expect(Object.keys(counts).sort()).toEqual(["create", "same"]);
}, 90_000);

test("a removal without a look at the hosts before it removes what is stored", async () => {
  const { counts } = succeeded(await stack.destroy("--refresh=false"));
  expect(counts).toEqual({ delete: (await resourcesOf(last)).length });
  expect(await stack.ok(["stack", "export", "--stack", stack.name])).not.toContain('"urn"');
}, 180_000);

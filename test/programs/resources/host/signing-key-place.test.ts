import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { formerKeyProbe } from "../../../../resources/host/signing-key/key-probe.ts";
import { runHere } from "../../../host-on-this-machine.ts";
import { Ground } from "./this-machine.ts";

let ground: Ground;

beforeEach(() => {
  ground = new Ground();
});

afterEach(() => ground.clear());

test("the host tells of a former key, and of who declares it", async () => {
  const [former, present] = [ground.at("former"), ground.at("new")];
  const look = async () => {
    const probe = formerKeyProbe("me", present, former, ground.place);
    return probe.parse((await runHere(probe.script)).stdout);
  };
  expect(await look()).toBeUndefined();
  expect(await ground.apply("me", [ground.directory("former", "0700")])).toMatchObject({ code: 0 });
  writeFileSync(join(former, "pubring.kbx"), "");
  expect(await look()).toEqual({ userId: undefined, others: [] });
  expect(await ground.apply("other", [ground.directory("former", "0700")])).toMatchObject({ code: 0 });
  expect((await look())?.others).toEqual(["other"]);
  mkdirSync(present);
  writeFileSync(join(present, "pubring.kbx"), "");
  expect(await look()).toBeUndefined();
});

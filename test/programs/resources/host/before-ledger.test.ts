import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { RunOptions } from "../../../../hosts/host.ts";
import { until } from "../../../../lab/until.ts";
import { BeforeLedger } from "../../../../resources/host/ledger/before-ledger.ts";
import { ledgerPlace } from "../../../../resources/host/ledger/place.ts";
import { HostOnThisMachine } from "../../../host-on-this-machine.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "before-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** This machine, with a ledger of its own. */
class HostWithLedger extends HostOnThisMachine {
  readonly #changed: (script: string) => string;

  constructor(name: string, directory: string, changed = (script: string) => script) {
    super(name, directory);
    this.#changed = changed;
  }

  override run(script: string, options?: RunOptions) {
    const own = script
      .replaceAll(ledgerPlace.directory, join(root, "ledger"))
      .replaceAll(ledgerPlace.lock, join(root, "lock"));
    return super.run(this.#changed(own), options);
  }
}

test("a resource that removes its values does not remove the directory that another one is about to use", async () => {
  const [atMktemp, goOn] = [join(root, "at-mktemp"), join(root, "go-on")];
  // It stops between mkdir and the first file.
  const one = new BeforeLedger({
    id: "one",
    host: new HostWithLedger(
      "here",
      join(root, "host"),
      (script) =>
        `mktemp() { touch ${atMktemp}; until [ -e ${goOn} ]; do :; done; command mktemp "$@"; }\n${script}`,
    ),
  });
  const two = new BeforeLedger({ id: "two", host: new HostWithLedger("here", join(root, "host")) });
  await two.remember({ b: 2 }, {});
  const storing = one.remember({ a: 1 }, {});
  await until("the first one's mktemp", 20_000, () => existsSync(atMktemp));
  let ended = false;
  const removing = two.keep({}).then(() => {
    ended = true;
  });
  // A waiting process is marked by an arrow: see proc(5).
  const lock = join(root, "lock");
  const waits = () =>
    existsSync(lock) &&
    new RegExp(`-> FLOCK.*:${statSync(lock).ino} `).test(readFileSync("/proc/locks", "utf8"));
  try {
    await until("the second one", 20_000, () => ended || waits());
  } finally {
    writeFileSync(goOn, "");
  }
  await Promise.all([storing, removing]);
  expect(await one.recall({})).toEqual({ a: 1 });
  await one.keep({});
  expect(existsSync(join(root, "ledger"))).toBe(false);
}, 60_000);

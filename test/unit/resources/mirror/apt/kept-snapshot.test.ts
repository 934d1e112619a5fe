import { beforeAll, describe, expect, test } from "@jest/globals";
import { type TrustedKeys, trustedKeys } from "../../../../../content/openpgp/keyring.ts";
import type { Host } from "../../../../../hosts/host.ts";
import { identityIn } from "../../../../../resources/mirror/apt/identity.ts";
import { checkedKeptPlan } from "../../../../../resources/mirror/apt/kept-snapshot.ts";

const host = { name: "mirror" } as Host;
let keys: TrustedKeys;
beforeAll(async () => {
  keys = await trustedKeys(undefined);
});

const contents = (change: object = {}) => ({
  suites: { noble: { date: "2026-11-28T06:49:15.000Z", release: "a".repeat(64), packages: 1, bytes: 2 } },
  packages: 1,
  bytes: 2,
  headers: { noble: { Suite: "noble" } },
  upstreamFingerprints: [keys.fingerprints[0]],
  upstreamKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nof the host's owner",
  warnings: ["one\u001b[31m thing"],
  ...change,
});
const read = (change?: object, signing: "mirror" | "upstream" = "upstream") =>
  checkedKeptPlan(host, "/srv/m/trees/1", contents(change), signing, keys);

describe("the data of a kept snapshot on a host", () => {
  test("never decide which key clients trust", () => {
    expect(read().upstreamKey).toBe(keys.armored);
    expect(() => read({ upstreamFingerprints: ["B".repeat(40)] })).toThrow(/clients would refuse it/);
    expect(read({ upstreamFingerprints: ["B".repeat(40)] }, "mirror").upstreamFingerprints).toEqual([
      ...keys.fingerprints,
    ]);
  });

  test("can have in its headers each value that a Release file can have", () => {
    const headers = { noble: { Suite: "noble", Description: "Ubuntu\tNoble \u00e9" } };
    expect(read({ headers }).headers).toEqual(headers);
    expect(identityIn({ headers })?.headers).toEqual(headers);
  });

  test("cannot send control characters to a terminal", () => {
    expect(read().warnings).toEqual(["one [31m thing"]);
  });

  test.each<object>([
    { headers: { noble: { Suite: "noble\nSignWith: x" } } },
    { headers: { noble: { "Suite\nSignWith": "noble" } } },
    { suites: { noble: { date: "soon", release: "a".repeat(64), packages: 1, bytes: 2 } } },
    { upstreamFingerprints: ["x; reboot"] },
    { packages: -1 },
    { headers: undefined },
  ])("are refused when an update cannot have written them: %j", (change) => {
    expect(() => read(change)).toThrow(/host mirror: reading \/srv\/m\/trees\/1\/contents\.json: its /);
  });
});

import { expect, test } from "@jest/globals";
import { keyProbe } from "../../../../resources/host/signing-key/key-probe.ts";

const { parse } = keyProbe("/srv/key");
const fingerprint = "A".repeat(40);

test.each(["x; reboot", "A".repeat(39), `${fingerprint}\u001b[2J`, "../../etc"])(
  "a text that is not a fingerprint is not read as a key: %j",
  (odd) => {
    expect(parse(`fingerprint:${odd}\npub:u:::::1:::\n`)).toBeUndefined();
    expect(parse(`fingerprint:${fingerprint}\npub:u:::::1:::\n`)?.fingerprint).toBe(fingerprint);
  },
);

test.each(["soon", "-1", "1e30", "9".repeat(30), "NaN"])("an expiry of %j is read as: never", (expiry) => {
  expect(parse(`fingerprint:${fingerprint}\npub:u:::::${expiry}:::\n`)?.expires).toBe("never");
});

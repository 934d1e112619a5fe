import { expect, test } from "@jest/globals";
import {
  changesForClients,
  type Identity,
  identityIn,
} from "../../../../../resources/mirror/apt/identity.ts";

const published: Identity = {
  signing: "upstream",
  headers: {
    noble: { Origin: "Ubuntu", Label: "Ubuntu", Suite: "noble", Codename: "noble", Version: "24.04" },
  },
  signers: ["A".repeat(40)],
};

test("the same identity requires no change on clients", () => {
  expect(changesForClients(published, published)).toEqual([]);
});

test("changed fields are reported in the words of apt, with a remedy", () => {
  const noble = { Origin: "Ubuntu", Label: "Other", Suite: "noble", Version: "24.10" };
  expect(changesForClients(published, { ...published, headers: { noble } })).toEqual([
    expect.stringMatching(
      /2 fields .*noble changed its 'Label' value from 'Ubuntu' to 'Other', noble changed its 'Codename' value from 'noble' to ''.*--allow-releaseinfo-change/,
    ),
  ]);
});

test("a suite that was not published before requires no change, even if it is named constructor", () => {
  const headers = { ...published.headers, constructor: { Origin: "x" } };
  expect(changesForClients(published, { ...published, headers })).toEqual([]);
});

test.each<[string, Partial<Identity>, RegExp]>([
  [
    "upstream's key",
    { signers: ["B".repeat(40)] },
    /upstream's key, B{40}, instead of A{40}.*NO_PUBKEY B{16}: deliver/,
  ],
  [
    "the mirror's key",
    { signing: "mirror", signers: ["C".repeat(40)] },
    /the mirror's key, C{40}.*NO_PUBKEY C{16}/,
  ],
  [
    "a key that does not exist yet",
    { signing: "mirror", signers: [] },
    /the mirror's key, which this update creates.*NO_PUBKEY: deliver/,
  ],
])("a different key is reported: %s", (_, change, expected) => {
  expect(changesForClients(published, { ...published, ...change })).toEqual([
    expect.stringMatching(expected),
  ]);
});

test("a second key is reported, and the removal of a second key is not", () => {
  const both = { ...published, signers: [...published.signers, "B".repeat(40)] };
  expect(changesForClients(published, both)).toHaveLength(1);
  expect(changesForClients(both, published)).toEqual([]);
});

test("the identity from the host is read only when all its fields are valid", () => {
  const contents = {
    headers: { noble: { Label: "Ubuntu" } },
    upstreamFingerprints: ["A"],
    upstreamKey: "k",
    more: 1,
  };
  expect(identityIn(contents)).toEqual({
    headers: { noble: { Label: "Ubuntu" } },
    upstreamFingerprints: ["A"],
    upstreamKey: "k",
  });
  expect(identityIn({})).toEqual({ headers: {}, upstreamFingerprints: [] });
  for (const odd of [
    undefined,
    null,
    "text",
    [],
    { headers: "x" },
    { headers: { noble: { Label: "\u001b[2J" } } },
    { upstreamFingerprints: [{}] },
  ]) {
    expect(identityIn(odd)).toBeUndefined();
  }
});

import { beforeAll, describe, expect, test } from "@jest/globals";
import { createCleartextMessage, generateKey, readPrivateKey, sign } from "openpgp";
import { ExplainedError } from "../../../../errors/explained-error.ts";
import type { Host } from "../../../../hosts/host.ts";
import { archiveWarning } from "../../../../resources/maas/archive/archive-check.ts";

let mirrorKey: string;
let otherKey: string;
let inRelease: string;
beforeAll(async () => {
  const make = () => generateKey({ userIDs: [{ name: "Mirror" }], date: new Date(Date.now() - 60_000) });
  const [mirror, other] = [await make(), await make()];
  mirrorKey = mirror.publicKey;
  otherKey = other.publicKey;
  inRelease = await sign({
    message: await createCleartextMessage({ text: "Suite: noble\n" }),
    signingKeys: await readPrivateKey({ armoredKey: mirror.privateKey }),
  });
});

/** A region host that gets this answer, and the requests that it was sent. */
function seeing(answer: { status: number; body: string } | ExplainedError) {
  const asked: string[] = [];
  const host = {
    name: "maas.dc1",
    fetch: async (url: string) => {
      asked.push(url);
      if (answer instanceof ExplainedError) throw answer;
      return { ...answer, body: Buffer.from(answer.body), headers: {}, url };
    },
  } as unknown as Host;
  const archive = { name: "main_archive", url: "http://mirror.dc1.example/ubuntu/", suite: "noble" };
  return { asked, warningWith: (key: string) => archiveWarning(host, { ...archive, key }) };
}

describe("an archive that MAAS will set on machines", () => {
  test("gives no warning with the key that signed it", async () => {
    const { asked, warningWith } = seeing({ status: 200, body: inRelease });
    expect(await warningWith(mirrorKey)).toBeUndefined();
    expect(asked).toEqual(["http://mirror.dc1.example/ubuntu/dists/noble/InRelease"]);
  });

  test("is refused with another key or after a change, because machines would refuse it", async () => {
    const refused = seeing({ status: 200, body: inRelease }).warningWith(otherKey);
    await expect(refused).rejects.toThrow(
      /is not signed with the declared key[\s\S]*Leave it out for a mirror/,
    );
    const changed = seeing({ status: 200, body: inRelease.replace("noble", "jammy") }).warningWith(mirrorKey);
    await expect(changed).rejects.toThrow(/is not signed with the declared key/);
  });

  test("gives a warning without a key when Ubuntu did not sign it", async () => {
    expect(await seeing({ status: 200, body: inRelease }).warningWith("")).toMatch(
      /^main_archive: machines verify it with Ubuntu's keys.*Declare its key/,
    );
  });

  test("gives a warning when it does not exist or the region cannot read it", async () => {
    expect(await seeing({ status: 404, body: "" }).warningWith(mirrorKey)).toMatch(
      /noble\/InRelease does not exist/,
    );
    const broken = new ExplainedError({ step: "fetching", found: "refused", remedy: "Look." });
    expect(await seeing(broken).warningWith("")).toMatch(/cannot be read from maas.dc1 \(refused\)/);
  });
});

import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { onThisMachine, type SmallUpstream } from "../published-tree/job-on-this-machine.ts";
import { SmallPublication } from "../published-tree/small-publication.ts";

let upstream: SmallUpstream;
let root: string;

onThisMachine("stamped-roots", (made) => {
  ({ root, upstream } = made);
});

test.each(["InRelease", "Release", "Release.gpg"])(
  "an upstream file with the name %s.new keeps its content, also at its other paths",
  async (signed) => {
    const mirror = new SmallPublication(root, "apt", upstream);
    const roots = Object.fromEntries(
      ["InRelease", "Release", "Release.gpg"].map((name) => [`dists/noble/${name}`, `signed ${name}`]),
    );
    upstream.offer({ ...roots, "pool/a.deb": "package" });
    await expect(mirror.publish()).resolves.toMatchObject({ code: 0 });
    const before = mirror.current();

    const draft = `dists/noble/${signed}.new`;
    upstream.offer({
      ...roots,
      "dists/noble/InRelease": "later",
      "pool/a.deb": "package",
      [draft]: "package",
    });
    const { code } = await mirror.publish();
    expect(readFileSync(mirror.at(`m/trees/${before}/public/pool/a.deb`), "utf8")).toBe("package");
    expect([code, mirror.served(draft)]).toEqual([0, "package"]);
    expect(mirror.served("dists/noble/InRelease")).toBe("later");
  },
);

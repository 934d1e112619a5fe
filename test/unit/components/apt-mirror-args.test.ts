import { describe, expect, test } from "@jest/globals";
import { aptMirrorSchema } from "../../../components/apt-mirror-args.ts";

const mirror = {
  host: "mirror.dc1",
  upstream: { url: "http://archive.ubuntu.com/ubuntu" },
  suites: ["noble", "noble-updates", "noble-security"],
  components: ["main", "restricted", "universe"],
};

describe("the order in which lists are written", () => {
  test("is of no consequence", () => {
    const one = {
      ...mirror,
      architectures: ["amd64", "arm64"],
      filter: { include: ["jq", "hello"], exclude: ["a", "b"], sections: ["net", "admin"] },
      extras: { languages: ["en", "de"] },
    };
    const other = {
      ...mirror,
      suites: mirror.suites.toReversed(),
      components: mirror.components.toReversed(),
      architectures: ["arm64", "amd64"],
      filter: { include: ["hello", "jq"], exclude: ["b", "a"], sections: ["admin", "net"] },
      extras: { languages: ["de", "en"] },
    };
    expect(aptMirrorSchema.parse(other)).toEqual(aptMirrorSchema.parse(one));
  });

  test("matters for the first suite and component where there are local packages, which go there", () => {
    const { suites, components } = aptMirrorSchema.parse({
      ...mirror,
      suites: ["noble-updates", "noble-security", "noble"],
      components: ["universe", "restricted", "main"],
      localPackages: ["b.deb", "a.deb"],
    });
    expect(suites).toEqual(["noble-updates", "noble", "noble-security"]);
    expect(components).toEqual(["universe", "main", "restricted"]);
  });

  test("matters for server names, the first of which is the default address", () => {
    const serverNames = ["b.dc1", "a.dc1"];
    expect(aptMirrorSchema.parse({ ...mirror, serve: { serverNames } }).serve.serverNames).toEqual(
      serverNames,
    );
  });
});

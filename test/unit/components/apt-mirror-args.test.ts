import { describe, expect, test } from "@jest/globals";
import { aptMirrorSchema } from "../../../components/apt-mirror/args.ts";

const mirror = {
  host: "mirror.dc1",
  upstream: { url: "http://archive.ubuntu.com/ubuntu" },
  suites: ["noble", "noble-updates", "noble-security"],
  components: ["main", "restricted", "universe"],
};

describe("the order of a list in the arguments of AptMirror", () => {
  test("has no effect", () => {
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

  test("matters for the first suite and component when there are local packages, which are added there", () => {
    const { suites, components } = aptMirrorSchema.parse({
      ...mirror,
      suites: ["noble-updates", "noble-security", "noble"],
      components: ["universe", "restricted", "main"],
      localPackages: ["b.deb", "a.deb"],
    });
    expect(suites).toEqual(["noble-updates", "noble", "noble-security"]);
    expect(components).toEqual(["universe", "main", "restricted"]);
  });

  test("matters for server names: the first one is the default address", () => {
    const serverNames = ["b.dc1", "a.dc1"];
    expect(aptMirrorSchema.parse({ ...mirror, serve: { serverNames } }).serve.serverNames).toEqual(
      serverNames,
    );
  });
});

describe("suites, components and architectures", () => {
  const issuesOf = (changes: object) => {
    const { components: _, ...rest } = mirror;
    const result = aptMirrorSchema.safeParse({ ...rest, signing: "upstream", ...changes });
    return result.success
      ? []
      : result.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  };

  test.each([
    "noble",
    "noble-updates/epoxy",
    "noble/mongodb-org/8.0",
    "Debian12.7",
    "stable",
    "x_y",
    "constructor",
  ])("%s is accepted as a suite", (suite) => {
    expect(issuesOf({ suites: [suite] })).toEqual([]);
    expect(issuesOf({ suites: [suite], signing: "mirror" })).toEqual([]);
  });

  test.each(["./", "/", "binary/", "ubuntu2404/x86_64/", "./amd64/"])(
    "%s is a flat repository: without components, with signing: upstream, without other suites",
    (suite) => {
      expect(issuesOf({ suites: [suite] })).toEqual([]);
      const { components: _, ...rest } = mirror;
      const once = aptMirrorSchema.parse({ ...rest, suites: [suite], signing: "upstream" });
      expect(once.components).toEqual([]);
      expect(aptMirrorSchema.parse(once)).toEqual(once);
      expect(issuesOf({ suites: [suite], components: ["main"] })).toEqual([
        expect.stringMatching(/^components must not be given: a flat repository/),
      ]);
      expect(issuesOf({ suites: [suite], signing: "mirror" })).toEqual([
        expect.stringMatching(/^signing must be "upstream" for a flat/),
      ]);
      expect(issuesOf({ suites: [suite, "noble"] })).toEqual([
        expect.stringMatching(/^suites has flat repositories beside/),
      ]);
    },
  );

  test.each([
    "../x",
    "noble/../x",
    "noble//x",
    "/noble",
    "../",
    "./../",
    "a b",
    "a:b",
    "-x",
    "__proto__",
    "",
    ".",
    "x%2fy",
    "..",
    "//",
    "noble\nx",
  ])("%j is refused as a suite", (suite) => {
    expect(issuesOf({ suites: [suite] })).toEqual([
      expect.stringMatching(/^suites\.0 is not a suite's name/),
    ]);
  });

  test.each(["main", "main/debug", "updates/main", "17"])("%s is accepted as a component", (component) => {
    expect(issuesOf({ components: [component] })).toEqual([]);
  });

  test.each(["../x", "main/", "/main", "main//x", "a b", "a:b", "", "__proto__"])(
    "%j is refused as a component",
    (component) => {
      expect(issuesOf({ components: [component] })).toEqual([
        expect.stringMatching(/^components\.0 is not a component's name/),
      ]);
    },
  );

  test.each([
    ["the flat repository pool/", { suites: ["pool/"] }, /^suites\.0 lies below pool/],
    ["a flat repository below pool/", { suites: ["./pool/main/"] }, /^suites\.0 lies below pool/],
    [
      "a suite with by-hash in its path",
      { suites: ["noble/by-hash"] },
      /^suites\.0 has a part that is called by-hash/,
    ],
    [
      "a component with by-hash in its path",
      { components: ["by-hash/x"] },
      /^components\.0 has a part that is called by-hash/,
    ],
    ["one flat repository by two names", { suites: ["./", "/"] }, /^suites\.1 is the same place as \.\/$/],
    ["a suite that is listed twice", { suites: ["noble", "noble"] }, /^suites\.1 is listed twice$/],
    [
      "a suite in the directory of another",
      { suites: ["stable", "stable/updates"], signing: "mirror" },
      /^suites has stable\/updates in the directory of stable/,
    ],
    [
      "an architecture with a capital letter",
      { architectures: ["Constructor"] },
      /^architectures\.0 is not an architecture's name/,
    ],
    ["an empty list of components", { components: [] }, /^components is empty: name at least one$/],
    ["the architecture all", { architectures: ["all"] }, /^architectures\.0 is always included/],
  ])("%s is refused with one message", (_, changes, message) => {
    expect(issuesOf(changes)).toEqual([expect.stringMatching(message)]);
  });

  test("suites with a common prefix are accepted, and with signing: upstream also suites in others", () => {
    expect(
      issuesOf({ suites: ["noble", "noble-updates", "noble-updates/epoxy"], signing: "upstream" }),
    ).toEqual([]);
    expect(issuesOf({ suites: ["noble", "noble-updates"], signing: "mirror" })).toEqual([]);
    expect(issuesOf({ architectures: ["constructor"] })).toEqual([]);
  });
});

test.each(["/srv/a b", "/srv/a$b", "/srv/a;b", "/srv/a{b}", "/srv/a\\b", "/srv/a\tb", "/srv/a\u00a0b"])(
  "a directory that cannot be written in nginx's configuration is refused: %j",
  (directory) => {
    const declared = { host: "h", upstream: { url: "http://a.example/u" }, suites: ["noble"], directory };
    expect(aptMirrorSchema.safeParse(declared).error?.issues).toEqual([
      expect.objectContaining({
        path: ["directory"],
        message: expect.stringMatching(/^has a blank, a control/),
      }),
    ]);
    expect(aptMirrorSchema.safeParse({ ...declared, directory: "/srv/spiegelü/a+b" }).success).toBe(true);
  },
);

import { describe, expect, test } from "@jest/globals";
import { pathText } from "../../../errors/wrong-input.ts";
import { siteSchema } from "../../../site/site.ts";

const mirror = {
  host: "mirror.dc1",
  upstream: { url: "http://archive.ubuntu.com/ubuntu/" },
  suites: ["noble", "noble-updates"],
};

const imageMirror = {
  host: "mirror.dc1",
  upstream: { url: "http://images.maas.io/ephemeral-v3/stable/" },
  images: [{ os: "ubuntu", releases: ["noble"] }],
};

/** The errors of a site, as `path message`. */
function faults(site: unknown): string[] {
  const result = siteSchema.safeParse(site);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${pathText(path)} ${message}`);
}

const withMirror = (change: object) => ({ aptMirrors: { ubuntu: { ...mirror, ...change } } });

describe("one mirror", () => {
  test("needs a host, an upstream and suites, and has a default for each other argument", () => {
    const { aptMirrors } = siteSchema.parse({ aptMirrors: { ubuntu: mirror } });
    expect(aptMirrors.ubuntu).toMatchInlineSnapshot(`
{
  "architectures": [
    "amd64",
  ],
  "components": [
    "main",
    "universe",
  ],
  "deleteContent": false,
  "extras": {
    "appstream": false,
    "commandNotFound": true,
    "contents": false,
    "debugPackages": false,
    "installer": false,
    "languages": [
      "en",
    ],
    "sources": false,
  },
  "host": "mirror.dc1",
  "keepSnapshots": 3,
  "localPackages": [],
  "serve": {
    "path": "/ubuntu",
    "port": 80,
    "serverNames": [],
  },
  "signing": "mirror",
  "suites": [
    "noble",
    "noble-updates",
  ],
  "upstream": {
    "indexLimitMiB": 1024,
    "parallel": 64,
    "stallSeconds": 30,
    "url": "http://archive.ubuntu.com/ubuntu",
  },
}
`);
  });

  test.each([
    [{ host: "-oProxyCommand=x" }, "aptMirrors.ubuntu.host is not a name one could type after ssh"],
    [{ host: "two words" }, "aptMirrors.ubuntu.host is not a name one could type after ssh"],
    [{ suites: ["noble", "no//ble"] }, /^aptMirrors\.ubuntu\.suites\[1\] is not a suite's name/],
    [{ suites: [] }, "aptMirrors.ubuntu.suites is empty: name at least one"],
    [{ suites: ["noble", "noble"] }, "aptMirrors.ubuntu.suites[1] is listed twice"],
    [{ components: ["main "] }, /^aptMirrors\.ubuntu\.components\[0\] is not a component's name/],
    [{ architectures: ["x86_64"] }, "aptMirrors.ubuntu.architectures[0] is called amd64 in Debian's terms"],
    [{ architectures: ["source"] }, /architectures\[0\] is not an architecture here: set extras\.sources/],
    [{ architectures: ["all"] }, /architectures\[0\] is always included/],
    [
      { upstream: { url: "ftp://archive.ubuntu.com/ubuntu" } },
      /^aptMirrors\.ubuntu\.upstream\.url is not an http/,
    ],
    [{ upstream: { url: "http://user:word@host/ubuntu" } }, /upstream\.url is not an http/],
    [{ upstream: { url: "http://host/u", key: "" } }, /^aptMirrors\.ubuntu\.upstream\.key /],
    [{ signing: "own" }, 'aptMirrors.ubuntu.signing is neither "mirror" nor "upstream"'],
    [{ serve: { port: 0 } }, "aptMirrors.ubuntu.serve.port is not a TCP port"],
    [{ serve: { port: 65_536 } }, "aptMirrors.ubuntu.serve.port is not a TCP port"],
    [{ serve: { path: "/a b" } }, "aptMirrors.ubuntu.serve.path is not a plain URL path such as /ubuntu"],
    [{ serve: { path: "/../x" } }, "aptMirrors.ubuntu.serve.path is not a plain URL path such as /ubuntu"],
    [{ serve: { serverNames: ["a_b"] } }, "aptMirrors.ubuntu.serve.serverNames[0] is not a host name"],
    [{ keepSnapshots: 0 }, /^aptMirrors\.ubuntu\.keepSnapshots is less than 1/],
    [{ validFor: "30 days" }, /^aptMirrors\.ubuntu\.validFor is not a duration/],
    [{ pinnedTo: "../x" }, /^aptMirrors\.ubuntu\.pinnedTo is not a snapshot's name/],
    [{ directory: "srv/x" }, /^aptMirrors\.ubuntu\.directory is not an absolute path/],
    [{ directory: "/srv/../etc" }, /^aptMirrors\.ubuntu\.directory is not an absolute path/],
    [{ directory: "/srv" }, /^aptMirrors\.ubuntu\.directory overlaps with \/srv\/airgapped-maas/],
    [{ directory: "/srv/airgapped-maas" }, /^aptMirrors\.ubuntu\.directory overlaps with/],
    [{ directory: "/srv/airgapped-maas/store/a/b" }, /^aptMirrors\.ubuntu\.directory overlaps with/],
    [{ directory: "/srv/airgapped-maas/dc1/apt" }, /^aptMirrors\.ubuntu\.directory overlaps with/],
    [
      { filter: { include: ["Hello World"] } },
      /^aptMirrors\.ubuntu\.filter\.include\[0\] is neither a package's name/,
    ],
    [{ extras: { languages: ["english"] } }, /^aptMirrors\.ubuntu\.extras\.languages\[0\] is not a language/],
    [{ signing: "upstream", filter: {} }, /^aptMirrors\.ubuntu\.filter needs signing "mirror"/],
    [
      { signing: "upstream", localPackages: ["a.deb"] },
      /^aptMirrors\.ubuntu\.localPackages needs signing "mirror"/,
    ],
    [{ signing: "upstream", validFor: "1d" }, /^aptMirrors\.ubuntu\.validFor needs signing "mirror"/],
    [
      { signing: "upstream", extras: { phasedUpdates: "complete" } },
      /^aptMirrors\.ubuntu\.extras\.phasedUpdates needs signing/,
    ],
    [{ sutes: [] }, /^aptMirrors\.ubuntu "sutes" is not known here: is suites meant\?/],
  ])("with %j is refused, and the path of the value is named", (change, expected) => {
    const found = faults(withMirror(change));
    expect(found).toHaveLength(1);
    if (typeof expected === "string") expect(found[0]).toBe(expected);
    else expect(found[0]).toMatch(expected);
  });
});

test.each(["/srv/airgapped-maas/old-name/apt/ubuntu", "/srv/airgapped-maas2", "/data/ubuntu"])(
  "a mirror is accepted in the directory %s",
  (directory) => expect(faults(withMirror({ directory }))).toEqual([]),
);

describe("mirrors of one host", () => {
  const two = (one: object, other: object) =>
    faults({ aptMirrors: { one: { ...mirror, ...one }, other: { ...mirror, ...other } } });

  test("are accepted with different paths, ports, server names or hosts", () => {
    expect(two({}, { serve: { path: "/debian" } })).toEqual([]);
    expect(two({}, { serve: { port: 8080 } })).toEqual([]);
    expect(two({ serve: { serverNames: ["a.example"] } }, { serve: { serverNames: ["b.example"] } })).toEqual(
      [],
    );
    expect(two({}, { host: "other" })).toEqual([]);
  });

  test.each([
    [{}, {}, "aptMirrors.other.serve.path /ubuntu overlaps with /ubuntu of one on the same port and names"],
    [
      {},
      { serve: { path: "/ubuntu/ports" } },
      /^aptMirrors\.other\.serve\.path \/ubuntu\/ports overlaps with \/ubuntu of one/,
    ],
    [{ serve: { path: "/" } }, {}, /^aptMirrors\.other\.serve\.path \/ubuntu overlaps with \/ of one/],
    [
      { serve: { serverNames: ["a.example"] } },
      { serve: { serverNames: ["a.example", "b.example"], path: "/x" } },
      "aptMirrors.other.serve.serverNames a.example is also a name of one: give both the same serverNames, or different ports",
    ],
    [
      { serve: { serverNames: ["a.example"] } },
      { serve: { serverNames: ["b.example", "A.Example"], path: "/x" } },
      /^aptMirrors\.other\.serve\.serverNames a\.example is also a name of one/,
    ],
    [
      { serve: { tls: { certificate: "c", key: "k" } } },
      { serve: { path: "/x", tls: { certificate: "d", key: "k" } } },
      /^aptMirrors\.other\.serve\.tls\.certificate differs from that of one/,
    ],
    [
      { serve: { port: 443, tls: { certificate: "c", key: "k" } } },
      { serve: { port: 443, path: "/x" } },
      /^aptMirrors\.other\.serve\.port 443 is served with TLS by one/,
    ],
    [
      { directory: "/srv/a" },
      { directory: "/srv/a/b", serve: { path: "/x" } },
      /^aptMirrors\.other\.directory overlaps/,
    ],
  ])("%j beside %j is refused", (one, other, expected) => {
    const [found = "", ...more] = two(one, other);
    expect(more).toEqual([]);
    if (typeof expected === "string") expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });

  test("paths with only a common prefix do not overlap", () => {
    expect(two({}, { serve: { path: "/ubuntu-ports" } })).toEqual([]);
  });

  describe("of packages and of images", () => {
    const both = (apt: object, images: object, imagesName = "images") =>
      faults({
        aptMirrors: { one: { ...mirror, ...apt } },
        imageMirrors: { [imagesName]: { ...imageMirror, ...images } },
      });

    test("are accepted with their default values", () => {
      expect(both({}, {})).toEqual([]);
    });

    test.each([
      [
        {},
        { serve: { path: "/ubuntu" } },
        /^imageMirrors\.images\.serve\.path \/ubuntu overlaps with .* of one/,
      ],
      [
        { directory: "/srv/a" },
        { directory: "/srv/a/images" },
        /^imageMirrors\.images\.directory overlaps with the directory of one/,
      ],
      [
        { nameOnHost: "images" },
        {},
        /^imageMirrors\.images images is also the name of one \(aptMirrors\) on mirror\.dc1/,
      ],
      [
        {},
        { nameOnHost: "one" },
        /^imageMirrors\.images\.nameOnHost one is also the name of one \(aptMirrors\) on mirror\.dc1/,
      ],
    ])("%j beside %j is refused", (apt, images, expected) => {
      expect(both(apt, images)).toEqual([expect.stringMatching(expected)]);
    });

    test("cannot have the same name on one host", () => {
      expect(both({}, {}, "one")).toEqual([
        expect.stringMatching(/^imageMirrors\.one one is also the name of/),
      ]);
      expect(both({}, { host: "elsewhere" }, "one")).toEqual([]);
    });
  });
});

test.each(["debian", "constructor"])(
  "a client check that names the undeclared mirror %s is refused",
  (name) => {
    const site = {
      aptMirrors: { ubuntu: mirror },
      clientChecks: { jq: { host: "c", mirror: name, package: "jq" } },
    };
    expect(faults(site)).toEqual(["clientChecks.jq.mirror names no mirror of aptMirrors (there is ubuntu)"]);
  },
);

import { describe, expect, test } from "@jest/globals";
import { imageMirrorSchema } from "../../../components/image-mirror/args.ts";
import { pathText } from "../../../errors/wrong-input.ts";

const mirror = {
  host: "mirror.dc1",
  upstream: { url: "http://images.maas.io/ephemeral-v3/stable/" },
  images: [{ os: "ubuntu", releases: ["jammy", "noble"] }],
};

function faults(change: object): string[] {
  const result = imageMirrorSchema.safeParse({ ...mirror, ...change });
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${pathText(path)} ${message}`);
}

describe("an image mirror", () => {
  test("needs a host, an upstream and images, and has a default for each other argument", () => {
    expect(imageMirrorSchema.parse(mirror)).toEqual({
      host: "mirror.dc1",
      upstream: { url: "http://images.maas.io/ephemeral-v3/stable", parallel: 16, stallSeconds: 30 },
      images: [{ os: "ubuntu", releases: ["jammy", "noble"], architectures: ["amd64"] }],
      keepVersions: 1,
      keepSnapshots: 2,
      unsigned: false,
      serve: { port: 80, path: "/ephemeral-v3/stable", serverNames: [] },
      deleteContent: false,
    });
  });

  test.each(["", "/", "/streams/v1/index.sjson"])("accepts an upstream URL with %j at its end", (end) => {
    const url = `http://images.maas.io/ephemeral-v3/stable${end}`;
    expect(imageMirrorSchema.parse({ ...mirror, upstream: { url } }).upstream.url).toBe(
      "http://images.maas.io/ephemeral-v3/stable",
    );
  });

  test("accepts names that every JavaScript object has, because only the stream decides what exists", () => {
    const images = [{ os: "constructor", releases: ["constructor"], architectures: ["constructor"] }];
    expect(faults({ images })).toEqual([]);
  });

  test("does not depend on the order of its lists", () => {
    const ubuntu = { os: "ubuntu", releases: ["noble", "jammy"], architectures: ["arm64", "amd64"] };
    const centos = { os: "centos", releases: ["centos9-stream"], architectures: ["amd64"] };
    const one = imageMirrorSchema.parse({
      ...mirror,
      images: [{ ...ubuntu, kernels: ["hwe", "ga"] }, centos],
    });
    const other = imageMirrorSchema.parse({
      ...mirror,
      images: [
        centos,
        {
          kernels: ["ga", "hwe"],
          architectures: ["amd64", "arm64"],
          releases: ["jammy", "noble"],
          os: "ubuntu",
        },
      ],
    });
    expect(JSON.stringify(other.images)).toBe(JSON.stringify(one.images));
  });

  test.each([
    [{ upstream: { url: "images.maas.io" } }, /^upstream\.url is not an http or https URL/],
    [
      { upstream: { url: "http://images.maas.io/ephemeral-v3/stable/streams/v1/index.json" } },
      /^upstream\.url names the unsigned index/,
    ],
    [{ images: [] }, "images is empty: name at least one"],
    [{ images: [{ os: "ubuntu", releases: [] }] }, "images[0].releases is empty: name at least one"],
    [
      { images: [{ os: "ubuntu", releases: ["noble"], architectures: ["x86_64"] }] },
      "images[0].architectures[0] is called amd64 by MAAS",
    ],
    [{ images: [{ os: "ubuntu", releases: ["noble", "noble"] }] }, "images[0].releases[1] is listed twice"],
    [{ keepVersions: 0 }, "keepVersions is less than 1: the newest version itself counts"],
    [{ keepSnapshots: 0 }, "keepSnapshots is less than 1: the published snapshot itself counts"],
    [{ pinnedTo: "000007" }, /^pinnedTo is not a snapshot's name/],
    [{ suites: ["noble"] }, /"suites" is not known here/],
  ])("refuses %j and names the path of the value", (change, expected) => {
    const found = faults(change);
    expect(found).toEqual([typeof expected === "string" ? expected : expect.stringMatching(expected)]);
  });
});

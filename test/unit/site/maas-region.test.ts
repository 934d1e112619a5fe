import { describe, expect, test } from "@jest/globals";
import { pathText } from "../../../errors/wrong-input.ts";
import { siteSchema } from "../../../site/site.ts";

const serve = { address: "mirror.dc1.example" };
const apt = {
  host: "mirror",
  upstream: { url: "http://archive.ubuntu.com/ubuntu" },
  suites: ["noble", "noble-updates", "noble-security"],
  serve,
};
const images = {
  host: "mirror",
  upstream: { url: "http://images.maas.io/ephemeral-v3/stable/" },
  images: [{ os: "ubuntu", releases: ["noble"] }],
  serve,
};
const rocky9 = {
  host: "mirror",
  os: "rhel",
  release: "rocky9",
  title: "Rocky Linux 9",
  file: "rocky9.tar.gz",
  serve,
};
const golden = { via: "upload", os: "custom", release: "golden", title: "Golden", file: "golden.tar.gz" };

const whole = {
  aptMirrors: { ubuntu: apt },
  imageMirrors: { images },
  customImages: { rocky9 },
  maas: {
    region: { host: "maas" },
    settings: { profile: "airgapped", settings: { commissioning_distro_series: "noble" } },
    archive: { mainArchive: { mirror: "ubuntu" } },
    bootSource: { mirror: "images", customImages: ["rocky9"] },
  },
};

/** The errors of the site after this change, as `path message`. */
function faults(change: object): string[] {
  const result = siteSchema.safeParse({ ...whole, ...change });
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${pathText(path)} ${message}`);
}

const withMaas = (change: object) => faults({ maas: { ...whole.maas, ...change } });

test.each(["constructor", "toString", "__proto__"])(
  "%s is refused as the name of a mirror or image that is not declared",
  (name) => {
    const bootSource = { mirror: name, customImages: [name] };
    const found = withMaas({ archive: { mainArchive: { mirror: name } }, bootSource });
    const unnamed = found.filter((fault) => /names no/.test(fault));
    expect(unnamed).toEqual([
      "maas.archive.mainArchive.mirror names no mirror of aptMirrors (there is ubuntu)",
      "maas.bootSource.mirror names no mirror of imageMirrors (there is images)",
      "maas.bootSource.customImages[0] names none of customImages (there is rocky9)",
    ]);
  },
);

describe("a region", () => {
  test("accepts mirrors and images by their names", () => {
    expect(faults({})).toEqual([]);
  });

  test("needs only a host", () => {
    expect(faults({ maas: { region: { host: "maas" } } })).toEqual([]);
    expect(faults({ maas: { settings: { profile: "airgapped" } } })).toHaveLength(1);
  });

  test.each<[object, string[]]>([
    [
      { settings: { profile: "airgapped", settings: { dnssec: "no" } } },
      ['maas.settings.settings "dnssec" is not known here: is dnssec_validation meant?'],
    ],
    [{ settings: {} }, ["maas.settings declares nothing: name a profile or settings"]],
    [
      { archive: { mainArchive: { mirror: "debian" } } },
      ["maas.archive.mainArchive.mirror names no mirror of aptMirrors (there is ubuntu)"],
    ],
    [
      { archive: { repositories: { tools: { mirror: "tools" } } } },
      ["maas.archive.repositories.tools.mirror names no mirror of aptMirrors (there is ubuntu)"],
    ],
    [
      { archive: { portsArchive: { mirror: "ubuntu" } } },
      ["maas.archive.portsArchive.mirror is for armhf, arm64, ppc64el, s390x, and the mirror holds amd64"],
    ],
    [
      { bootSource: { mirror: "ubuntu", customImages: ["rocky8"] } },
      [
        "maas.bootSource.mirror names no mirror of imageMirrors (there is images)",
        "maas.bootSource.customImages[0] names none of customImages (there is rocky9)",
      ],
    ],
  ])("is refused with %j", (change, expected) => {
    expect(withMaas(change)).toEqual(expected);
  });

  test("accepts for a repository the mirror that it refuses for portsArchive", () => {
    expect(withMaas({ archive: { repositories: { tools: { mirror: "ubuntu" } } } })).toEqual([]);
  });

  test("refuses an uploaded image in bootSource, and an upload without a region", () => {
    expect(faults({ customImages: { rocky9: golden } })).toEqual([
      "maas.bootSource.customImages[0] is uploaded, so MAAS does not get it from a source: remove it here",
    ]);
    expect(faults({ customImages: { golden }, maas: undefined })).toEqual([
      "customImages.golden must be uploaded to MAAS, and no maas is declared: declare maas.region",
    ]);
  });

  test("names both values of via when another one is declared", () => {
    expect(faults({ customImages: { rocky9: { ...rocky9, via: "uplod" } } })).toContain(
      'customImages.rocky9.via must be "stream" or "upload"',
    );
  });
});

describe("an address without a dot", () => {
  const message = "names a host without a dot, which MAAS refuses: use its full name or its address";
  const short = { address: "mirror" };

  test("is refused once for each mirror that MAAS uses", () => {
    const site = {
      aptMirrors: { ubuntu: { ...apt, serve: short } },
      imageMirrors: { images: { ...images, serve: { serverNames: ["mirror"] } } },
      customImages: { rocky9: { ...rocky9, serve: { ...short, path: "/rocky9" } } },
      maas: {
        ...whole.maas,
        archive: { mainArchive: { mirror: "ubuntu" }, repositories: { more: { mirror: "ubuntu" } } },
      },
    };
    expect(faults(site)).toEqual([
      `aptMirrors.ubuntu.serve.address ${message}`,
      `imageMirrors.images.serve.serverNames[0] ${message}`,
      `customImages.rocky9.serve.address ${message}`,
    ]);
  });

  test("is accepted for a mirror that MAAS does not use; an IP address is always accepted", () => {
    expect(
      faults({ aptMirrors: { ubuntu: apt, more: { ...apt, serve: { ...short, path: "/more" } } } }),
    ).toEqual([]);
    expect(faults({ imageMirrors: { images: { ...images, serve: { address: "[fd00::1]" } } } })).toEqual([]);
  });
});

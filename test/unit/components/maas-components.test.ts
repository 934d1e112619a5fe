import { setImmediate as pause } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type { AptMirror } from "../../../components/apt-mirror/apt-mirror.ts";
import { MaasArchive } from "../../../components/maas/archive.ts";
import { MaasSettings } from "../../../components/maas/settings.ts";
import { MaasBootSources } from "../../../resources/maas/boot-sources.ts";
import { MaasImage } from "../../../resources/maas/image.ts";

interface Declared {
  readonly name: string;
  readonly type: string;
  readonly inputs: Record<string, unknown>;
}

let declared: Declared[] = [];

beforeEach(async () => {
  declared = [];
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ name, type, inputs }) => {
        // A slow resource, so that resources that do not wait for it are registered first.
        for (let turn = 0; name === "images" && turn < 100; turn++) await pause();
        declared.push({ name, type: type.replace(/^.*:/, ""), inputs });
        return { id: name, state: inputs };
      },
      call: () => ({}),
    },
    "airgapped-maas",
    "dev",
  );
});

/** Waits for all declared resources, in the order of their registration. */
async function registered(): Promise<Declared[]> {
  await pulumi.runtime.disconnect();
  return declared.filter(({ inputs }) => "host" in inputs);
}

const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----";

/** The fields of a mirror that MaasArchive reads. */
class Mirror extends pulumi.ComponentResource {
  readonly url = pulumi.output("http://mirror.dc1.example/ubuntu");
  readonly publicKey: pulumi.Output<string | undefined>;
  readonly holdings = {
    suites: ["noble", "noble-security", "noble-updates"],
    components: ["main", "universe"],
    architectures: ["amd64"],
  };

  constructor(name: string, publicKey?: string) {
    super("test:index:Mirror", name);
    this.publicKey = pulumi.output(publicKey);
  }
}

/** The slow resource that imports images. */
class Images extends pulumi.CustomResource {
  constructor(name: string) {
    super("test:index:Images", name, { host: "maas.dc1" });
  }
}

const mirror = (name: string, publicKey?: string) => new Mirror(name, publicKey) as unknown as AptMirror;

describe("MaasSettings", () => {
  test("sets settings that name images after the resource that imports them, and all others before it", async () => {
    const settings = new MaasSettings("maas", {
      maas: { host: "maas.dc1", user: "ops" },
      profile: "airgapped",
      settings: { enable_analytics: true, default_distro_series: "noble" },
      imagesFrom: new Images("images"),
    });
    const values = await new Promise((resolve) => settings.values.apply(resolve));
    expect(values).toMatchObject({ enable_analytics: true, dnssec_validation: "no" });
    expect(Object.keys(settings.reasons)).not.toContain("enable_analytics");
    const beforeImages = await new Promise((resolve) => settings.beforeImages?.urn.apply(resolve));
    expect(beforeImages).toMatch(/::maas-settings$/);
    const [first, images, second, ...more] = await registered();
    expect([images?.name, more]).toEqual(["images", []]);
    expect(first).toMatchObject({
      name: "maas-settings",
      type: "MaasSettings",
      inputs: { host: "maas.dc1", maas: { user: "ops" }, settings: { enable_analytics: true } },
    });
    expect(second?.inputs.settings).toEqual({ default_distro_series: "noble" });
  });

  test("reports all faults at once", () => {
    const declare = () =>
      new MaasSettings("maas", {
        maas: { host: "maas.dc1" },
        settings: { upstream_dns: ["dns.dc1"], ntp_servers: ["a_b"] },
      });
    expect(declare).toThrow(
      /MaasSettings maas has invalid arguments:\n {2}settings.upstream_dns\[0\].*\n {2}settings.ntp/,
    );
  });

  test("stores a declared API key as a secret, and not in the property maas", async () => {
    new MaasSettings("maas", {
      maas: { host: "maas.dc1", apiKey: "consumer1:tokenkey1:tokensecret1" },
      profile: "airgapped",
    });
    const [only] = await registered();
    expect(only?.inputs.maas).toEqual({});
    expect(only?.inputs.apiKey).not.toBe("consumer1:tokenkey1:tokensecret1");
    expect(JSON.stringify(only?.inputs.apiKey)).toContain("consumer1:tokenkey1:tokensecret1");
  });
});

test("the resources of a region have deleteBeforeReplace, for another name of its host", async () => {
  const seen: [string, unknown][] = [];
  const options: pulumi.CustomResourceOptions = {
    transformations: [
      ({ name, opts }) => {
        seen.push([name, (opts as pulumi.CustomResourceOptions).deleteBeforeReplace]);
        return undefined;
      },
    ],
  };
  const maas = { host: "maas.dc1" };
  new MaasBootSources("sources", { maas, sources: {} }, options);
  new MaasImage(
    "image",
    {
      maas,
      name: "golden",
      architecture: "amd64/generic",
      fileType: "tgz",
      file: { path: "x", onHost: false },
      size: 1,
      sha256: "",
    },
    options,
  );
  new MaasSettings("settings", { maas, profile: "airgapped" }, options);
  new MaasArchive("archive", { maas, mainArchive: { mirror: mirror("signed", key) } }, options);
  await registered();
  const own = seen.filter(([name]) => !["settings", "archive"].includes(name));
  expect(own.length).toBeGreaterThan(3);
  expect(own.filter(([, first]) => first !== true)).toEqual([]);
});

describe("MaasArchive", () => {
  test("sets a mirror's key only with signing: mirror, and disables what the mirror does not hold", async () => {
    new MaasArchive("archive", {
      maas: { host: "maas.dc1" },
      mainArchive: { mirror: mirror("signed", key) },
      repositories: { again: { mirror: mirror("upstream-signed"), components: ["main"] } },
    });
    const [only] = await registered();
    expect(only?.inputs.archives).toEqual({
      main_archive: {
        url: "http://mirror.dc1.example/ubuntu",
        key,
        disabledPockets: ["backports"],
        disabledComponents: ["restricted", "multiverse"],
        disableSources: true,
      },
    });
    expect(only?.inputs.repositories).toEqual({
      again: {
        url: "http://mirror.dc1.example/ubuntu",
        key: "",
        components: ["main"],
        arches: ["amd64"],
        disableSources: true,
        enabled: true,
      },
    });
  });

  test("refuses a flat repository, because MAAS writes a component for it", () => {
    const flat = Object.assign(mirror("flat"), {
      holdings: { suites: ["./"], components: [], architectures: ["amd64"] },
    });
    const declare = () =>
      new MaasArchive("archive", { maas: { host: "maas.dc1" }, repositories: { cuda: { mirror: flat } } });
    expect(declare).toThrow(
      /repositories\.cuda\.mirror: \.\/ is a flat repository: MAAS writes "deb URL \.\/ main"/,
    );
  });

  test("refuses a key beside a mirror, and a mirror without the architectures of the archive", () => {
    const declare = () =>
      new MaasArchive("archive", {
        maas: { host: "maas.dc1" },
        mainArchive: { mirror: mirror("one"), key } as never,
        portsArchive: { mirror: mirror("two") },
      });
    expect(declare).toThrow(
      /mainArchive.key: does not go with a mirror[\s\S]*portsArchive.mirror: is for armhf/,
    );
  });
});

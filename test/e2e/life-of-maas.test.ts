import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type LabMaas, maasOf } from "../../lab/maas-host.ts";
import { until } from "../../lab/until.ts";
import { imagesOf, type UpstreamImages } from "../../lab/upstream-images.ts";
import { createBootSource, deleteBootSource, listBootSources } from "../../maas/operations/boot-sources.ts";
import { setConfig } from "../../maas/operations/config.ts";
import {
  listPackageRepositories,
  updatePackageRepository,
} from "../../maas/operations/package-repositories.ts";
import { createSelection, listSelections, updateSelection } from "../../maas/operations/selections.ts";
import { MaasRefusal } from "../../maas/refusal.ts";
import { imageSite } from "./image-site.ts";
import { RegionApi } from "./region-api.ts";
import { labSite, type Run, Stack, succeeded, type Values } from "./stack.ts";

const labName = "e2e-maas";
const serve = { address: "mirror.datacentre.lab" };
const mirrorUrl = `http://${serve.address}/ephemeral-v3/stable/`;
const rockyUrl = `http://${serve.address}/images/rocky9/`;
let lab: Lab;
let maas: LabMaas;
let api: RegionApi;
let upstream: UpstreamImages;
let stack: Stack;
let factory: Values;

/** The site with its mirrors, and with a MAAS that uses them, unless that is omitted. */
function site(region: Values = {}): Values {
  const { sshConfig, aptMirrors } = labSite(lab, { ubuntu: { serve } });
  const { imageMirrors } = imageSite(lab, { serve });
  return {
    sshConfig,
    aptMirrors,
    imageMirrors,
    customImages: {
      rocky9: {
        host: "mirror",
        os: "rhel",
        release: "rocky9",
        title: "Rocky Linux 9",
        file: lab.paths.customImage,
        serve,
      },
    },
    maas: {
      region: { host: "maas" },
      settings: {
        profile: "airgapped",
        settings: { upstream_dns: ["10.0.0.53"], ntp_servers: [], commissioning_distro_series: "noble" },
      },
      archive: { mainArchive: { mirror: "ubuntu" } },
      bootSource: { mirror: "images", customImages: ["rocky9"] },
      ...region,
    },
  };
}

function siteWithoutMaas(): Values {
  const { maas: _, ...rest } = site();
  return rest;
}

const changes = ({ steps }: Run) =>
  steps.filter(({ type }) => /^Maas(Settings|Archive|BootSources)$/.test(type) && type !== "Stack");
const differing = (run: Run) =>
  Object.fromEntries(
    changes(run)
      .filter(({ differs }) => differs.length)
      .map(({ name, differs }) => [name, differs]),
  );
const sourceUrls = async () =>
  (await listBootSources(api.client)).map(({ url }) => url.replace(/\/*$/, "/")).sort();

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "maas"] });
  maas = maasOf(lab);
  upstream = imagesOf(lab);
  await upstream.reset();
  await maas.reset("3.6");
  api = await RegionApi.of(lab);
  factory = await api.everything();
  stack = await Stack.create();
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

describe("a new MAAS in an air gap", () => {
  let outputs: Values;
  let notified: string[];

  test("gets all its images from the mirrors only, in one update", async () => {
    expect(factory.bootSources).toMatchObject([{ url: "http://images.maas.io/ephemeral-v3/stable/" }]);
    notified = await api.notifications();
    stack.configure(site());
    const run = succeeded(await stack.up());
    expect(await api.notifications()).toEqual(notified);
    outputs = await stack.outputs();
    expect(outputs.bootImages).toEqual(await api.images());
    expect(outputs.bootImages).toMatchObject({
      "ubuntu/jammy amd64/ga-22.04": "20260206",
      "ubuntu/noble amd64/ga-24.04": "20260210",
      "centos/centos9 amd64/generic": "20250901_01",
      "rhel/rocky9 amd64/generic": expect.any(String),
    });
    expect(await sourceUrls()).toEqual([mirrorUrl, rockyUrl].sort());
    expect(run.output).not.toMatch(/warning: main_archive/);
    const { packageRepositories, config } = await api.everything();
    expect(packageRepositories).toContainEqual(
      expect.objectContaining({
        name: "main_archive",
        url: `http://${serve.address}/ubuntu`,
        key: expect.stringMatching(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/),
      }),
    );
    expect(config).toMatchObject({
      enable_http_proxy: false,
      dnssec_validation: "no",
      upstream_dns: "10.0.0.53",
      commissioning_distro_series: "noble",
    });
  }, 120_000);

  test("is not changed by a second update", async () => {
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 60_000);

  test("with a renamed custom image that keeps its nameOnHost: only its name among MAAS's sources differs", async () => {
    const { customImages, ...others } = site({ bootSource: { mirror: "images", customImages: ["rocky"] } });
    const rocky = { ...customImages.rocky9, nameOnHost: "rocky9" };
    stack.configure({ ...others, customImages: { rocky } });
    const { steps } = succeeded(await stack.preview());
    stack.configure(site());
    expect(steps.map(({ op, name, differs }) => ({ op, name, differs }))).toEqual([
      { op: "update", name: "images-sources", differs: ["sources.rocky", "sources.rocky9"] },
    ]);
  }, 60_000);

  test("with a wrong host name in the stack file: the preview reports one error, without a stack trace", async () => {
    const { aptMirrors, ...others } = site();
    stack.configure({ ...others, aptMirrors: { ubuntu: { ...aptMirrors.ubuntu, host: "miror" } } });
    const { code, output } = await stack.preview();
    stack.configure(site());
    expect(code).not.toBe(0);
    const diagnostics = output.slice(output.indexOf("Diagnostics:"));
    expect(diagnostics.match(/error: /g)).toHaveLength(1);
    expect(diagnostics).toContain("aptMirrors.ubuntu.host: host miror: ");
    expect(output).not.toMatch(/\n\s+at \S+ \(|Warning|unhandled/);
  }, 60_000);

  test("with a new serial upstream: the preview names it, and the update imports it", async () => {
    const serial = await upstream.publishSerial({ release: "noble", arch: "amd64" });
    const planned = succeeded(await stack.preview("--diff"));
    const image = "ubuntu/noble amd64/ga-24.04";
    expect(differing(planned)["images-sources"]).toContain(`images["${image}"]`);
    expect(planned.output).toMatch(new RegExp(`${image} *: "20260210" => "${serial}"`));
    expect((await api.images())[image]).toBe("20260210");
    succeeded(await stack.up());
    expect((await api.images())[image]).toBe(serial);
    expect((await stack.outputs()).bootImages).toEqual(await api.images());
  }, 90_000);

  test("changed by hand: the preview names the properties, and the update corrects them", async () => {
    const supplied = await api.everything();
    await drift();
    const drifted = succeeded(await stack.preview());
    expect(differing(drifted)).toEqual({
      "images-sources": ["sources.mirror.selections[2].labels[0]", "sources.rocky9"],
      "maas-settings": ["settings.dnssec_validation"],
      "packages-repositories": ["archives.main_archive.url"],
    });
    succeeded(await stack.up());
    expect(await api.everything()).toEqual(supplied);
    expect(await stack.preview("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 90_000);

  test("is restored when it is no longer declared, and the mirrors stay", async () => {
    stack.configure(siteWithoutMaas());
    const run = succeeded(await stack.up());
    expect(run.steps.filter(({ op }) => op !== "delete").map(({ type }) => type)).toEqual([]);
    expect(await api.everything()).toEqual(factory);
    expect(await api.notifications()).toEqual(notified);
  }, 60_000);
});

async function drift(): Promise<void> {
  const sources = await listBootSources(api.client);
  const idOf = (part: string) => sources.find(({ url }) => url.includes(part))?.id ?? 0;
  const selections = await listSelections(api.client, idOf("ephemeral"));
  const noble = selections.find(({ release }) => release === "noble");
  await updateSelection(api.client, idOf("ephemeral"), noble?.id ?? 0, {
    os: "ubuntu",
    release: "noble",
    arches: ["amd64"],
    subarches: ["*"],
    labels: [],
  });
  await deleteBootSource(api.client, idOf("rocky9"));
  await setConfig(api.client, "main_archive", "http://archive.ubuntu.com/ubuntu");
  await setConfig(api.client, "dnssec_validation", "auto");
}

describe.each(["3.5", "3.7", "3.8"] as const)("MAAS %s", (version) => {
  test("gets its images from the mirrors, has no drift, and is restored when no longer declared", async () => {
    await maas.reset(version);
    const before = await api.everything();
    stack.configure(site());
    succeeded(await stack.up());
    expect((await stack.outputs()).bootImages).toEqual(await api.images());
    expect(await sourceUrls()).toEqual([mirrorUrl, rockyUrl].sort());
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    stack.configure(siteWithoutMaas());
    const back = succeeded(await stack.up());
    // At its first import MAAS itself selects the latest release with long-term support.
    const config = { ...before.config, commissioning_distro_series: "noble", default_distro_series: "noble" };
    expect(await api.everything()).toEqual({
      ...(version === "3.8" ? withoutTheUnreachable(before, back) : before),
      config,
    });
  }, 120_000);
});

describe("a MAAS that is partly configured", () => {
  let before: Values;

  test("is adopted: an unreachable source, an empty selection, a default archive with another name", async () => {
    await maas.reset("3.6");
    await halfConfigure();
    before = await api.everything();
    expect(before.bootSources).toHaveLength(2);
    stack.configure(site());
    succeeded(await stack.up());
    expect(await sourceUrls()).toEqual([mirrorUrl, rockyUrl].sort());
    expect((await stack.outputs()).bootImages).toEqual(await api.images());
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 120_000);

  test("has its previous configuration again after pulumi destroy", async () => {
    const back = succeeded(await stack.destroy());
    expect(await api.everything()).toEqual(before);
    expect(back.output).not.toContain("cannot be selected again");
  }, 120_000);
});

/** MAAS accepts no selection of a source that it cannot reach. The error must name this. */
function withoutTheUnreachable(before: Values, { output }: Run): Values {
  expect(output).toContain(
    "ubuntu/noble cannot be selected again from http://images.maas.io/ephemeral-v3/stable",
  );
  const bootSources = before.bootSources.map((source: Values) =>
    source.url.includes("images.maas.io") ? { ...source, selections: [] } : source,
  );
  return { ...before, bootSources };
}

/** The mirror is a source already, but nothing is imported from it. The Internet's source still exists. */
async function halfConfigure(): Promise<void> {
  const keyring = Buffer.from((await stack.outputs()).images.images.keyring, "base64");
  const { id } = await createBootSource(api.client, { url: mirrorUrl, keyring: { data: keyring } });
  const fields = { os: "ubuntu", release: "noble", arches: ["amd64"], subarches: ["*"], labels: [] };
  await until("MAAS to know what the mirror has", 30_000, () =>
    createSelection(api.client, id, fields).then(
      () => true,
      (error: unknown) => {
        if (error instanceof MaasRefusal && error.says(/no available images/)) return false;
        throw error;
      },
    ),
  );
  const main = (await listPackageRepositories(api.client)).find(({ name }) => name === "main_archive");
  await updatePackageRepository(api.client, main?.id ?? 0, {
    name: "Ubuntu",
    disabledPockets: ["backports"],
  });
}

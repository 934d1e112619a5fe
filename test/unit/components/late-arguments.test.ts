import { beforeEach, describe, expect, jest, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { type AptMirrorArgs, aptMirrorSchema } from "../../../components/apt-mirror/args.ts";
import { checkedArguments } from "../../../components/arguments/checked-arguments.ts";

/** The arguments of the lookup. The plan itself needs a host. */
const asked: { host: string; upstream: { url: string; credentials?: object }; suites: readonly string[] }[] =
  [];

jest.unstable_mockModule("../../../resources/mirror/apt/plan.ts", () => ({
  planAptMirror: async (request: (typeof asked)[number]) => {
    asked.push(request);
    return {
      digest: "d".repeat(64),
      suites: {},
      packages: 1,
      bytes: 2,
      headers: {},
      upstreamFingerprints: [],
      upstreamKey: "key",
      warnings: [],
      changes: [],
    };
  },
}));

const { AptMirror } = await import("../../../components/apt-mirror/apt-mirror.ts");
const { MaasArchive } = await import("../../../components/maas/archive.ts");
const { MaasBootSource } = await import("../../../components/maas/boot-source.ts");
const { MaasSettings } = await import("../../../components/maas/settings.ts");
const { CustomImage } = await import("../../../components/custom-image/custom-image.ts");

interface Registered {
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

let registered: Registered[] = [];
let messages: string[] = [];

/** Runs a test's declarations, as an update or as a preview. */
async function start(how: "update" | "preview"): Promise<void> {
  registered = [];
  messages = [];
  asked.length = 0;
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, inputs }) => {
        registered.push({ name, inputs });
        return { id: how === "preview" ? undefined : `id-of-${name}`, state: inputs };
      },
      call: () => ({}),
    },
    "airgapped-maas",
    "dev",
    how === "preview",
  );
  jest.spyOn(pulumi.log, "info").mockImplementation(async (line) => void messages.push(line));
}

/** All resources below components, once they are registered. */
async function children(): Promise<Registered[]> {
  await pulumi.runtime.disconnect();
  return registered.filter(({ inputs }) => "__provider" in inputs);
}

const names = (all: readonly Registered[]) => all.map(({ name }) => name).sort();
const inputsOf = (all: readonly Registered[], name: string) => all.find((one) => one.name === name)?.inputs;

/** Another resource of the program, whose outputs are known after it is made. */
class Other extends pulumi.CustomResource {
  constructor(name: string) {
    super("test:index:Other", name, {});
  }
}

const mirror = {
  host: "mirror",
  upstream: { url: "http://archive.example/ubuntu" },
  suites: ["noble"],
  // Without an address, the mirror's address is read from the ssh configuration.
  serve: { address: "m.example" },
};
const ofMirror = ["m-configuration", "m-contents", "m-key", "m-packages", "m-services"];

beforeEach(() => start("update"));

describe("an output in the arguments of a mirror", () => {
  test("gives the same resources as its plain value", async () => {
    const declared = new AptMirror("m", {
      host: pulumi.output("mirror"),
      upstream: { url: pulumi.output("http://archive.example/ubuntu/") },
      suites: Promise.resolve(["noble-updates", pulumi.output("noble")]),
      serve: { port: pulumi.output(8080), address: "m.example" },
    });
    const late = await children();
    expect(await outcome(declared.url.apply(() => declared.suites))).toEqual(["noble", "noble-updates"]);
    await start("update");
    new AptMirror("m", {
      ...mirror,
      suites: ["noble", "noble-updates"],
      serve: { port: 8080, address: "m.example" },
    });
    const plain = await children();
    expect(names(late)).toEqual(ofMirror);
    expect(late.sort(byName)).toEqual(plain.sort(byName));
    expect(asked).toHaveLength(1);
  });

  test("that is unknown in a preview keeps all resources in the preview, and the plan is made later", async () => {
    await start("preview");
    new AptMirror("m", { ...mirror, upstream: { url: new Other("archive").id } });
    const late = await children();
    expect(names(late)).toEqual(ofMirror);
    expect(inputsOf(late, "m-contents")).toMatchObject({ signing: "mirror" });
    expect(inputsOf(late, "m-contents")?.plan).toMatchObject({ __pulumiUnknown: true });
    expect(asked).toEqual([]);
    expect(messages).toEqual(["aptMirrors.m: the plan is shown once this is known: upstream.url"]);
  });

  test.each<[string, () => object]>([
    ["upstream.stallSeconds", () => ({ upstream: { ...mirror.upstream, stallSeconds: new Other("x").id } })],
    ["keepSnapshots", () => ({ keepSnapshots: new Other("x").id })],
    ["suites", () => ({ suites: [new Other("x").id] })],
    ["validFor", () => ({ validFor: new Other("x").id })],
  ])("that is unknown in a preview (%s) keeps host, directory and services known", async (_, more) => {
    await start("preview");
    new AptMirror("m", { ...mirror, ...more() });
    const all = await children();
    expect(names(all)).toEqual(ofMirror);
    for (const { inputs } of all) expect(inputs.host).toBe("mirror");
    const directory = "/srv/airgapped-maas/dev/apt/m";
    expect(inputsOf(all, "m-contents")).toMatchObject({ directory, deleteContent: false });
    expect(inputsOf(all, "m-key")).toMatchObject({ keepOnRemove: true });
    expect(inputsOf(all, "m-services")?.services).toHaveProperty(["nginx.service", "running"], true);
  });

  test("that is secret does not make the other arguments secret", async () => {
    new AptMirror("m", { ...mirror, keepSnapshots: pulumi.secret(4) });
    const all = await children();
    for (const { inputs } of all) expect(inputs.host).toBe("mirror");
    expect(inputsOf(all, "m-contents")).toMatchObject({ directory: "/srv/airgapped-maas/dev/apt/m" });
  });

  test("does not prevent the check of the plain values: all their faults are reported at once", () => {
    const declare = () =>
      new AptMirror("m", {
        ...mirror,
        upstream: { url: pulumi.output("http://archive.example/ubuntu"), parallel: 0 },
        suites: ["noble//x", pulumi.output("noble")],
        sutes: [],
      } as AptMirrorArgs);
    expect(declare).toThrow(
      /^AptMirror m has invalid arguments:\n {2}upstream\.parallel: .*\n {2}suites\[0\]: is not a suite's name.*\n {2}"sutes" is not known here: is suites meant\?$/,
    );
  });

  test("that is secret makes the values derived from it secret", async () => {
    new AptMirror("m", { ...mirror, upstream: { url: pulumi.secret("http://archive.example/hidden") } });
    const contents = inputsOf(await children(), "m-contents");
    expect(asked[0]?.upstream.url).toBe("http://archive.example/hidden");
    expect(contents?.upstream).not.toBe("http://archive.example/hidden");
    expect(JSON.stringify(contents?.upstream)).toContain("http://archive.example/hidden");
    // An omitted argument has no property.
    expect(contents).not.toHaveProperty("pinnedTo");
  });
});

describe("a secret of a mirror that is an output", () => {
  const withPassword = (password: pulumi.Input<string>) => ({
    ...mirror,
    upstream: { ...mirror.upstream, credentials: { username: "me", password } },
  });

  test("is given to the lookup in clear, and is stored as a secret", async () => {
    new AptMirror("m", withPassword(pulumi.secret("hidden")));
    const contents = inputsOf(await children(), "m-contents");
    expect(asked[0]?.upstream.credentials).toEqual({ username: "me", password: "hidden" });
    const { secrets, ...rest } = contents ?? {};
    expect(JSON.stringify(rest)).not.toContain("hidden");
    expect(secrets).not.toMatchObject({ password: "hidden" });
    expect(contents).toMatchObject({ plan: "d".repeat(64), fetch: { username: "me" } });
  });

  test("delays the plan when the lookup needs it and it is unknown", async () => {
    await start("preview");
    new AptMirror("m", withPassword(new Other("password").id));
    expect(names(await children())).toEqual(ofMirror);
    expect(asked).toEqual([]);
    expect(messages).toEqual([
      "aptMirrors.m: the plan is shown once this is known: upstream.credentials.password",
    ]);
  });

  test("does not delay the plan when the lookup does not need it", async () => {
    await start("preview");
    const tls = { certificate: "text", key: new Other("key").id };
    const component = new pulumi.ComponentResource("test:index:Mirror", "m");
    const given = checkedArguments(component, "m", { ...mirror, serve: { tls } }, aptMirrorSchema);
    expect(await given.notYetKnown("upstream")).toEqual([]);
    expect(await given.notYetKnown("upstream", "serve")).toEqual(["serve.tls.key"]);
    expect(await outcome(given.inClear("upstream"))).toMatchObject({ host: "mirror", serve: { port: 443 } });
  });
});

describe("an argument that must be a plain value", () => {
  const output = <Value>(value: Value) => pulumi.output(value) as pulumi.Output<never>;
  const apart = "it can contain a secret, which is stored separately. Give the values in it as outputs";
  const resources = "it decides which resources exist";
  const waits = "other resources depend on it";
  const maas = { host: "maas" };

  test.each<[string, () => unknown, string]>([
    ["signing", () => new AptMirror("m", { ...mirror, signing: output("mirror") }), resources],
    [
      "nameOnHost",
      () => new AptMirror("m", { ...mirror, nameOnHost: output("n") }),
      "it is part of names on the host",
    ],
    ["serve", () => new AptMirror("m", { ...mirror, serve: output({ port: 80 }) }), apart],
    ["serve.tls", () => new AptMirror("m", { ...mirror, serve: { tls: output({}) } }), apart],
    ["upstream", () => new AptMirror("m", { ...mirror, upstream: output(mirror.upstream) }), apart],
    ["maas", () => new MaasSettings("m", { maas: output(maas), profile: "airgapped" }), apart],
    ["profile", () => new MaasSettings("m", { maas, profile: output("airgapped") }), resources],
    [
      "settings",
      () => new MaasSettings("m", { maas, settings: output({}) }),
      `${resources}. Give the values in it as outputs`,
    ],
    ["mainArchive", () => new MaasArchive("m", { maas, mainArchive: output({ url: "x" }) }), waits],
    ["mirror", () => new MaasBootSource("m", { maas, mirror: output(undefined) }), waits],
    ["customImages[0]", () => new MaasBootSource("m", { maas, customImages: [output(undefined)] }), waits],
    [
      "via",
      () =>
        new CustomImage("m", {
          via: output("upload"),
          maas,
          os: "custom",
          release: "r",
          title: "t",
          file: "f",
        }),
      resources,
    ],
  ])("%s is refused as an output, with no other message", (path, declare, reason) => {
    expect(declare).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          new RegExp(
            `has invalid arguments:\\n {2}${escaped(path)}: must be a plain value, not an output: ${escaped(reason)}$`,
          ),
        ),
      }),
    );
  });
});

describe("the components that configure MAAS", () => {
  test("MaasSettings accepts outputs as values, and the names of the settings decide which resources exist", async () => {
    const settings = new MaasSettings("maas", {
      maas: { host: pulumi.output("maas.dc1") },
      settings: { upstream_dns: [pulumi.output(" 10.0.0.53")], default_osystem: pulumi.output("ubuntu") },
    });
    const all = await children();
    expect(names(all)).toEqual(["maas-releases", "maas-settings"]);
    expect(inputsOf(all, "maas-settings")).toMatchObject({
      host: "maas.dc1",
      settings: { upstream_dns: ["10.0.0.53"] },
    });
    expect(inputsOf(all, "maas-releases")?.settings).toEqual({ default_osystem: "ubuntu" });
    expect(await outcome(settings.values)).toEqual({
      upstream_dns: ["10.0.0.53"],
      default_osystem: "ubuntu",
    });
  });

  test("an API key that is unknown in a preview leaves the host known", async () => {
    await start("preview");
    new MaasSettings("maas", {
      maas: { host: "maas.dc1", apiKey: new Other("key").id },
      settings: { upstream_dns: ["10.0.0.53"] },
    });
    expect(inputsOf(await children(), "maas-settings")).toMatchObject({ host: "maas.dc1" });
  });

  test("an undefined value of a repository counts as not declared", async () => {
    const of = new AptMirror("m", { ...mirror, components: ["main"] });
    new MaasArchive("archive", {
      maas: { host: "maas" },
      repositories: { x: { mirror: of, components: undefined, arches: undefined } },
    });
    expect(inputsOf(await children(), "archive-repositories")?.repositories).toMatchObject({
      x: { components: ["main"], arches: ["amd64"] },
    });
  });

  test("MaasArchive reads what a mirror holds when the mirror's arguments are known", async () => {
    const held = (architectures: string[]) =>
      new AptMirror("m", { ...mirror, architectures: pulumi.output(architectures) });
    new MaasArchive("archive", { maas: { host: "maas" }, mainArchive: { mirror: held(["amd64"]) } });
    expect(inputsOf(await children(), "archive-repositories")?.archives).toMatchObject({
      main_archive: { url: "http://m.example/ubuntu", disabledComponents: ["restricted", "multiverse"] },
    });
  });
});

/** The value or error of an output. */
function outcome(output: pulumi.Output<unknown>): Promise<unknown> {
  return (output as unknown as { promise(): Promise<unknown> }).promise();
}

function byName(one: Registered, other: Registered): number {
  return one.name < other.name ? -1 : 1;
}

function escaped(text: string): string {
  return text.replaceAll(/[[\].]/g, "\\$&");
}

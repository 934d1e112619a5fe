import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { ubuntuImages } from "../../../lab/images/image-sets.ts";
import type { ProductList } from "../../../lab/images/stream.ts";
import { PartlyApplied, type ResourceContext, type Status } from "../../../resources/kernel/definition.ts";
import type { Limits } from "../../../resources/maas/boot-sources/limits.ts";
import { maasBootSourcesWith } from "../../../resources/maas/boot-sources.ts";
import { imagesKeyring, Mirror } from "./mirror.ts";
import { Region, type RegionOptions } from "./region.ts";
import { RegionHost } from "./region-host.ts";
import { adminKey } from "./region-process.ts";
import { deadPort } from "./stream-server.ts";

export type Version = NonNullable<RegionOptions["version"]>;
type Inputs = ReturnType<BootSourceFixture["declared"]>;
type Outputs = Awaited<ReturnType<(typeof definition)["apply"]>>;

export const noble = {
  os: "ubuntu",
  release: "noble",
  arches: ["amd64"],
  subarches: ["*"],
  labels: ["*"],
};

/** The images of `noble` in a mirror of the lab's images, with MAAS's names. */
export const nobleImages = ["ga-24.04", "ga-24.04-lowlatency", "hwe-24.04"].map(
  (kernel) => `ubuntu/noble amd64/${kernel}`,
);

const limits: Limits = {
  refreshMs: 6000,
  refreshBesideDeadMs: 2000,
  putBackMs: 3000,
  selectUnreachableMs: 6000,
  pollMs: 100,
  restMs: 3000,
  stallMs: 20_000,
};
const definition = maasBootSourcesWith(limits);
let fixtures = 0;

/** A new region, whose default source cannot be reached, a mirror, and the declaration for both. */
export class BootSourceFixture {
  readonly region: Region;
  readonly mirror: Mirror;
  readonly host: RegionHost;
  /** Base64. */
  readonly keyring: string;
  /** Messages to the user: progress, and warnings with the prefix `warning`. */
  readonly said: string[] = [];
  readonly #cache: string;

  private constructor(region: Region, mirror: Mirror, keyring: string, cache: string) {
    this.region = region;
    this.mirror = mirror;
    this.keyring = keyring;
    this.#cache = cache;
    this.host = new RegionHost(`region-${++fixtures}`, () => region.origin);
  }

  static async start(
    version: Version,
    lists: readonly ProductList[] = ubuntuImages,
  ): Promise<BootSourceFixture> {
    const cache = mkdtempSync(join(tmpdir(), "cache-"));
    process.env.XDG_CACHE_HOME = cache;
    const region = await Region.start({
      version,
      // 3.8 makes its default source when it is installed, which is when its imports run.
      importInterval: version === "3.8" ? 3600 : 0,
      env: {
        MAAS_DEFAULT_IMAGES_URL: `http://127.0.0.1:${await deadPort()}/ephemeral-v3/stable/`,
        MAAS_IMAGES_KEYRING_FILEPATH: (await archiveKey("images")).keyringFile,
      },
    });
    if (version !== "3.8") await region.import();
    const keyring = (await imagesKeyring()).toString("base64");
    return new BootSourceFixture(region, await Mirror.start(lists), keyring, cache);
  }

  declared(changes: object = {}) {
    return definition.inputs.parse({
      host: this.host.name,
      apiKey: adminKey,
      sources: { images: { url: this.mirror.url, keyring: this.keyring, selections: [noble] } },
      images: Object.fromEntries(nobleImages.map((image) => [image, "20260210"])),
      ...changes,
    });
  }

  /** The calls of the kernel: observe, then apply. */
  async up(wanted = this.declared(), before?: Outputs): Promise<Outputs> {
    const observed = await definition.observe(this.#context(), wanted, before);
    return definition.apply(this.#context(), wanted, observed);
  }

  /** The observed state in the format of the declaration. `status` has what is wrong. */
  async look(wanted = this.declared(), before?: Outputs): Promise<Inputs & { status?: Status }> {
    const observed = await definition.observe(this.#context(), wanted, before);
    if (!observed) throw new Error("It is gone.");
    const { inputs, status = {} } = observed;
    return Object.keys(status).length > 0 ? { ...inputs, status } : inputs;
  }

  async destroy(outputs: Outputs, declared = this.declared()): Promise<void> {
    await definition.remove(this.#context(), declared, outputs);
  }

  /** The error of apply, as the user reads it. */
  async refusal(wanted = this.declared()): Promise<string> {
    const error = await this.up(wanted).then(
      () => new Error("It went well."),
      (thrown: Error) => thrown,
    );
    return (error instanceof PartlyApplied ? (error.cause as Error) : error).message;
  }

  /** MAAS's sources: for each its URL without a slash at the end, and its selections. */
  async sources(): Promise<string[]> {
    const { json } = await this.region.get("boot-sources/");
    const all: string[] = [];
    for (const { id, url } of json) {
      const selections = (await this.region.get(`boot-sources/${id}/selections/`)).json as {
        release: string;
      }[];
      all.push([url.replace(/\/$/, ""), ...selections.map(({ release }) => release).sort()].join(" "));
    }
    return all;
  }

  /**
   * MAAS's notifications about its commissioning release. MAAS removes its importer's notifications some time
   * later.
   */
  async notifications(): Promise<string[]> {
    const idents = [...(await this.region.notifications()).keys()];
    return idents.filter((ident) => ident.startsWith("commissioning_")).sort();
  }

  /** The changing requests since the last call. */
  takeChanges(): string[] {
    return this.host.requests.splice(0).filter((request) => !request.startsWith("GET "));
  }

  /** The declared mirror's URL in the format of `sources`. */
  get url(): string {
    return this.mirror.url.slice(0, -1);
  }

  async stop(): Promise<void> {
    this.mirror.stop();
    this.host.clear();
    await this.region.stop();
    rmSync(this.#cache, { recursive: true, force: true });
  }

  #context(): ResourceContext {
    return {
      id: "maasbootsources-dc1-images",
      host: this.host,
      progress: (line) => void this.said.push(line),
      warn: (line) => void this.said.push(`warning: ${line}`),
    };
  }
}

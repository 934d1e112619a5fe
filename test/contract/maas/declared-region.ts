import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ControlRequest } from "../../../lab/maas/control.ts";
import { parseApiKey } from "../../../maas/api-key.ts";
import { MaasClient } from "../../../maas/client.ts";
import { directTransport } from "../../../maas/direct-transport.ts";
import { providerText } from "../../../resources/kernel/resource.ts";
import { type Properties, ProviderProcess } from "../provider-process.ts";
import { control } from "./control.ts";
import { adminKey, RegionProcess } from "./region-process.ts";
import { TlsFront } from "./tls-front.ts";

const project = join(import.meta.dirname, "../../..");

async function startedProvider(): Promise<ProviderProcess> {
  const provider = await ProviderProcess.start(project);
  await provider.configure();
  return provider;
}

/** A new region, the real provider process, and the calls of an engine for one resource. No SSH is used. */
export class DeclaredRegion {
  readonly region: RegionProcess;
  readonly front: TlsFront;
  readonly provider: ProviderProcess;
  /** Another administrator who changes MAAS. */
  readonly somebody: MaasClient;
  readonly #folder: string;
  #destroying: ProviderProcess | undefined;

  private constructor(folder: string, region: RegionProcess, front: TlsFront, provider: ProviderProcess) {
    this.#folder = folder;
    this.region = region;
    this.front = front;
    this.provider = provider;
    this.somebody = new MaasClient({
      url: front.url,
      key: parseApiKey(adminKey),
      transport: directTransport({ ca: front.ca }),
    });
  }

  static async start(version = "3.6"): Promise<DeclaredRegion> {
    const folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
    const region = await RegionProcess.start(version, "--control", join(folder, "control"));
    const front = await TlsFront.start(region.origin);
    return new DeclaredRegion(folder, region, front, await startedProvider());
  }

  control(asked: ControlRequest): Promise<void> {
    return control(join(this.#folder, "control"), asked);
  }

  /** A provider as in `pulumi destroy`: a process that has seen no declaration. */
  async destroying(): Promise<ProviderProcess> {
    this.#destroying ??= await startedProvider();
    return this.#destroying;
  }

  /** What all processes have logged for the engine so far. */
  get logs(): ProviderProcess["logs"] {
    return [...this.provider.logs, ...(this.#destroying?.logs ?? [])];
  }

  forgetLogs(): void {
    this.provider.logs.length = 0;
    if (this.#destroying) this.#destroying.logs.length = 0;
  }

  async stop(): Promise<void> {
    await this.provider.close();
    await this.#destroying?.close();
    await this.front.stop();
    await this.region.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** A resource of a kind, with a name that no other resource has. */
  resource(kind: string): DeclaredResource {
    return new DeclaredResource(this, kind);
  }
}

let count = 0;

/** The engine's view of a resource: the same order of calls, and the same properties passed on. */
class DeclaredResource {
  readonly #region: DeclaredRegion;
  readonly #kind: string;
  readonly #name = `test-${count++}`;
  id = "";
  stored: Properties = {};

  constructor(region: DeclaredRegion, kind: string) {
    this.#region = region;
    this.#kind = kind;
  }

  /** Inputs as the program gives them, checked by the provider. */
  async inputs(declared: Properties): Promise<Properties> {
    const { front, provider } = this.#region;
    const { inputs, failures } = await provider.check({
      host: "region.invalid",
      maas: { url: front.url, direct: true, ca: front.ca },
      apiKey: adminKey,
      ...declared,
      __provider: providerText(this.#kind),
      __declaredAs: this.#name,
      __shownAt: `urn:pulumi:dev::airgapped-maas::x::${this.#name}`,
    });
    if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("\n"));
    return inputs;
  }

  /** One update: create or update, whether there are differences or not. */
  async apply(declared: Properties): Promise<Properties> {
    const { provider } = this.#region;
    const inputs = await this.inputs(declared);
    if (this.id) {
      this.stored = await provider.update(this.id, this.stored, inputs);
      return this.stored;
    }
    const { id, properties } = await provider.create(inputs);
    this.id = id;
    this.stored = properties;
    return properties;
  }

  /** One refresh. @returns the region's actual state, in the shape of the inputs */
  async read(): Promise<Properties> {
    const { inputs, properties } = await this.#region.provider.read(this.id, this.stored);
    this.stored = properties;
    return inputs;
  }

  /** The inputs that a preview would show as changed, after a refresh. */
  async differing(declared: Properties): Promise<string[]> {
    const wanted = await this.inputs(declared);
    const there = await this.read();
    return Object.keys({ ...wanted, ...there }).filter(
      (key) => JSON.stringify(sorted(wanted[key])) !== JSON.stringify(sorted(there[key])),
    );
  }

  async delete(): Promise<void> {
    const provider = await this.#region.destroying();
    await provider.delete(this.id, this.stored);
    this.id = "";
    this.stored = {};
  }
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

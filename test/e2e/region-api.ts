import type { Lab } from "../../lab/lab.ts";
import { maasOf } from "../../lab/maas-host.ts";
import { parseApiKey } from "../../maas/api-key.ts";
import { MaasClient } from "../../maas/client.ts";
import { listBootResources, readBootResource } from "../../maas/operations/boot-resources.ts";
import { listNotifications } from "../../maas/operations/notifications.ts";
import type { Values } from "./stack.ts";

/** The API of a lab's MAAS, used independently of this project. */
export class RegionApi {
  readonly client: MaasClient;

  /** Unparsed bodies. Errors show only the beginning of a long one. */
  readonly #answered: string[];

  private constructor(client: MaasClient, answered: string[]) {
    this.client = client;
    this.#answered = answered;
  }

  static async of(lab: Lab): Promise<RegionApi> {
    const maas = maasOf(lab);
    const url = maas.url.replace(/\/$/, "");
    const key = parseApiKey(await maas.apiKey());
    const answered: string[] = [];
    const client = new MaasClient({
      url,
      key,
      transport: async (at, { method, headers, body }) => {
        const answer = await fetch(at, { method, headers, ...(body ? { body: new Uint8Array(body) } : {}) });
        const bytes = Buffer.from(await answer.arrayBuffer());
        answered.splice(0, answered.length, bytes.toString());
        return { status: answer.status, headers: Object.fromEntries(answer.headers), body: bytes };
      },
    });
    return new RegionApi(client, answered);
  }

  /**
   * All data that this project may change, as MAAS returns it, without ids and times, which differ after a
   * thing is made again.
   */
  async everything(): Promise<Values> {
    const bootSources = await this.#list("boot-sources/");
    for (const source of bootSources)
      source.selections = await this.#list(`boot-sources/${source.id}/selections/`);
    const config: Values = {};
    for (const name of await this.#settingNames()) {
      const value = await this.client.get("maas/", { step: "test", query: { op: "get_config", name } });
      // An equal value for MAAS, which rejects null as an input.
      config[name] = value ?? "";
    }
    const packageRepositories = await this.#list("package-repositories/");
    return plain({ bootSources, packageRepositories, config }) as Values;
  }

  /** The version of every complete image: `{ "ubuntu/noble amd64/ga-24.04": "20260210" }`. */
  async images(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const { id, name, architecture } of await listBootResources(this.client)) {
      const { sets } = await readBootResource(this.client, id);
      const version = sets.filter(({ complete }) => complete).at(-1)?.version;
      if (version) found[`${name} ${architecture}`] = version;
    }
    return found;
  }

  /** MAAS's notifications about its commissioning release, by ident. */
  async notifications(): Promise<string[]> {
    const idents = (await listNotifications(this.client)).map(({ ident }) => ident);
    return idents.filter((ident) => ident.startsWith("commissioning_")).sort();
  }

  async #list(path: string): Promise<Values[]> {
    return (await this.client.get(path, { step: "test" })) as Values[];
  }

  // The error for an unknown name lists all names.
  async #settingNames(): Promise<string[]> {
    await this.client
      .get("maas/", { step: "test", query: { op: "get_config", name: "bogus" } })
      .catch(() => {});
    const names = /valid settings are: ([\w, ]+)/.exec(this.#answered.at(-1) ?? "")?.[1];
    if (!names) throw new Error(`MAAS does not tell its settings: ${this.#answered.at(-1)}`);
    return names.split(", ").filter((name) => !unreadable.includes(name));
  }
}

const unreadable = ["commissioning_osystem", "maas_url", "uuid", "tls_port"];
const changing = ["id", "boot_source_id", "resource_uri", "created", "updated"];

function plain(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(plain).sort((one, two) => (JSON.stringify(one) < JSON.stringify(two) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !changing.includes(key));
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)] as const).sort());
}

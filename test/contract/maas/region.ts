import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { until } from "../../../lab/until.ts";
import { adminKey, authorization, userKey } from "./region-process.ts";

const main = join(import.meta.dirname, "../../../lab/maas/main.ts");

/** The options of a region. */
export interface RegionOptions {
  readonly version?: "3.5" | "3.6" | "3.7" | "3.8";
  /** Seconds. 0, the default here, means no imports. */
  readonly importInterval?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** An answer. */
interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at, it expects.
  readonly json: any;
}

type Fields = Readonly<Record<string, string | readonly string[] | Uint8Array>>;

/** The stand-in with its state in a file, its control socket, and the functions that several tests use. */
export class Region {
  readonly #options: RegionOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), "region-"));
  #child: ChildProcess | undefined;
  #origin = "";
  #log = "";

  private constructor(options: RegionOptions) {
    this.#options = options;
  }

  static async start(options: RegionOptions = {}): Promise<Region> {
    const region = new Region(options);
    await region.boot();
    return region;
  }

  /** Without a slash at the end. It changes with each `boot`. */
  get origin(): string {
    return this.#origin;
  }

  /** Its log, as regiond's. */
  get log(): string {
    return this.#log;
  }

  /** Restarts it with the same state. */
  async boot(): Promise<void> {
    const { version = "3.6", importInterval = 0, env = {} } = this.#options;
    const options = {
      port: "0",
      version,
      "admin-key": adminKey,
      "user-key": userKey,
      state: join(this.#directory, "state.json"),
      control: this.#control,
      "import-interval": String(importInterval),
    };
    const argv = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn(process.execPath, [main, ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    child.stderr.on("data", (chunk) => {
      this.#log += chunk;
    });
    for await (const line of createInterface({ input: child.stdout })) {
      this.#origin = /http:\/\/[^/]+/.exec(line)?.[0] ?? "";
      if (this.#origin !== "") return;
    }
    throw new Error(`The stand-in ended before it was ready: ${this.#log}`);
  }

  /** Kills it. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill("SIGTERM");
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get(path: string, key = adminKey): Promise<Answered> {
    return this.send("GET", path, { key });
  }

  /** POSTs a form. Bytes are sent as a file, lists as a repeated key. */
  post(path: string, fields: Fields = {}, key = adminKey): Promise<Answered> {
    return this.send("POST", path, { key, body: formOf(fields) });
  }

  put(path: string, fields: Fields = {}): Promise<Answered> {
    return this.send("PUT", path, { body: formOf(fields) });
  }

  delete(path: string): Promise<Answered> {
    return this.send("DELETE", path);
  }

  async send(
    method: string,
    path: string,
    options: {
      readonly key?: string;
      readonly body?: FormData | Uint8Array<ArrayBuffer> | string;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Answered> {
    const { key = adminKey, body, headers = {} } = options;
    const response = await fetch(`${this.#origin}/MAAS/api/2.0/${path}`, {
      method,
      headers: { Authorization: authorization(key), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  }

  /** Sends a request to the stand-in's own interface. */
  async control(asked: object): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(
        { socketPath: this.#control, path: "/control", method: "POST" },
        (response) => {
          response.resume().on("end", resolve);
        },
      );
      request.on("error", reject).end(JSON.stringify(asked));
    });
  }

  get #control(): string {
    return join(this.#directory, "control.sock");
  }

  /** Makes a boot source of a mirror and returns its id. */
  async addSource(url: string, keyring: Uint8Array): Promise<number> {
    const { status, json, text } = await this.post("boot-sources/", { url, keyring_data: keyring });
    if (status !== 201) throw new Error(text);
    return json.id;
  }

  /** Selects a release for amd64, as soon as MAAS knows that its source has it. */
  async select(source: number, os: string, release: string): Promise<number> {
    let id = 0;
    await until(`${os}/${release} to be selected`, 20_000, async () => {
      const everything = { subarches: "*", labels: "*" };
      const answer = await this.post(`boot-sources/${source}/selections/`, {
        os,
        release,
        arches: "amd64",
        ...everything,
      });
      id = answer.json?.id ?? 0;
      return answer.status === 200;
    });
    return id;
  }

  /** Imports and waits for its end. */
  async import(): Promise<void> {
    const before = this.imports;
    await this.post("boot-resources/?op=import");
    await this.importEnds(before + 1);
  }

  /** The number of imports that have ended, with or without success. */
  get imports(): number {
    return [...this.#log.matchAll(/Finished importing|failed|cancelled|skipped, or all|no image desc/g)]
      .length;
  }

  async importEnds(imports: number): Promise<void> {
    await until("an import to end", 30_000, () => this.imports >= imports);
  }

  /** The number of refreshes of the boot sources that have ended, with or without success. */
  get refreshes(): number {
    return [...this.#log.matchAll(/boot sources cache/g)].length;
  }

  async refreshEnds(refreshes: number): Promise<void> {
    await until("a refresh to end", 30_000, () => this.refreshes >= refreshes);
  }

  async isImporting(): Promise<boolean> {
    return (await this.get("boot-resources/?op=is_importing")).json;
  }

  /** The existing images, as `ubuntu/noble amd64/ga-24.04`. */
  async images(): Promise<string[]> {
    const { json } = await this.get("boot-resources/");
    return json.map((image: { name: string; architecture: string }) => `${image.name} ${image.architecture}`);
  }

  /** The notifications, by ident. */
  async notifications(): Promise<ReadonlyMap<string, string>> {
    const { json } = await this.get("notifications/");
    return new Map(json.map(({ ident, message }: { ident: string; message: string }) => [ident, message]));
  }
}

function formOf(fields: Fields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Uint8Array) form.append(name, new Blob([new Uint8Array(value)]), "file");
    else for (const one of typeof value === "string" ? [value] : value) form.append(name, one);
  }
  return form;
}

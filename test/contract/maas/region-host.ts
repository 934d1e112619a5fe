import type { FetchOptions, FetchResult } from "../../../hosts/host.ts";
import { HostOnThisMachine } from "../../host-on-this-machine.ts";

/** This machine as a region host: `http://localhost:5240` is the region that the test selects. */
export class RegionHost extends HostOnThisMachine {
  /** Every request except those of streams, as `POST /MAAS/api/2.0/boot-sources/`. */
  readonly requests: string[] = [];
  /** Called before each request. An error that it throws is the request's failure. */
  before: (request: string) => void | Promise<void> = () => {};
  /** Called when MAAS has carried out a request. An error that it throws is that of the lost answer. */
  after: (request: string) => void = () => {};
  readonly #origin: () => string;

  constructor(name: string, origin: () => string) {
    super(name);
    this.#origin = origin;
  }

  override async fetch(url: string, options: FetchOptions = {}): Promise<FetchResult> {
    const local = "http://localhost:5240";
    if (!url.startsWith(local)) return super.fetch(url, options);
    const request = `${options.method ?? "GET"} ${url.slice(local.length)}`;
    this.requests.push(request);
    await this.before(request);
    const found = await super.fetch(`${this.#origin()}${url.slice(local.length)}`, options);
    this.after(request);
    return { ...found, url };
  }
}

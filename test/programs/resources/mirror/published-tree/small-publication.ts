import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { publishScript as publishAptScript } from "../../../../../resources/mirror/apt/scripts.ts";
import { publishScript as publishImageScript } from "../../../../../resources/mirror/images/scripts.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { startJob } from "../../../../host-on-this-machine.ts";
import { handOverTo, type SmallUpstream } from "./job-on-this-machine.ts";

/** A mirror of either kind below a directory, published by its real job. */
export class SmallPublication {
  readonly root: string;
  readonly kind: "apt" | "image";
  readonly upstream: SmallUpstream;

  constructor(root: string, kind: "apt" | "image", upstream: SmallUpstream) {
    this.root = root;
    this.kind = kind;
    this.upstream = upstream;
  }

  get place() {
    return { owner: "m", directory: join(this.root, "m"), store: join(this.root, "store") };
  }

  at(path: string): string {
    return join(this.root, path);
  }

  current(): string {
    return readlinkSync(this.at("m/current")).replace("trees/", "");
  }

  served(path: string): string {
    return readFileSync(join(this.at("m/current/public"), path), "utf8");
  }

  item(path: string, content: string | Buffer, changes: Partial<WorkItem> = {}): WorkItem {
    const to = path.startsWith("pool/") && this.kind === "apt" ? path : `tree/${path}`;
    return { sha256: digestOf(content), size: Buffer.byteLength(content), from: path, to, ...changes };
  }

  /** The items of all of upstream's files. */
  items(): WorkItem[] {
    return [...this.upstream.files].map(([path, content]) => this.item(path, content));
  }

  /** The job for a work list, which may be invalid. */
  script(list: string, changes: Readonly<Record<string, unknown>> = {}): string {
    const settings = {
      ...this.place,
      upstream: this.upstream.url,
      fetch: { parallel: 4, stallSeconds: 1 },
      keep: 2,
      plan: handOverTo(this.place.store, list),
      planText: handOverTo(this.place.store, list),
      summary: handOverTo(this.place.store, JSON.stringify({ signing: "upstream", plan: digestOf(list) })),
      contents: handOverTo(this.place.store, "{}"),
      ...changes,
    };
    return this.kind === "apt"
      ? publishAptScript({ ...settings, signing: "upstream" })
      : publishImageScript(settings);
  }

  run(script: string, list = "") {
    return startJob(this.root, script, list).ended;
  }

  publishList(list: string) {
    return this.run(this.script(list), list);
  }

  publish() {
    return this.publishList(workListText(this.items()));
  }
}

export function faultsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("fault "));
}

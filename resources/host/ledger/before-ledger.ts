import { z } from "zod";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { sh } from "../../../hosts/shell.ts";
import type { Json, ResourceContext } from "../../kernel/definition.ts";
import { ledgerPlace } from "./place.ts";

/** By a name of the resource's own: what was there before this project changed it. */
export const beforeSchema = z.record(z.string(), z.json() as unknown as z.ZodType<Json>);
export type Before = Readonly<Record<string, Json>>;

const directory = `${ledgerPlace.directory}/before`;

/**
 * What was there before a resource's first change, so that it can be put back. The state remembers it; so does the host,
 * in a file that only root reads, written before the change: an update that is killed leaves no state.
 *
 *     const ledger = new BeforeLedger(context);
 *     const before = await ledger.remember({ "vm.swappiness": "60" }, observed?.outputs.before ?? {});
 *     // ... change, and put back what is no longer declared ...
 *     await ledger.keep(rest);
 */
export class BeforeLedger {
  readonly #context: Pick<ResourceContext, "id" | "host">;
  readonly #onHost: boolean;
  readonly #path: string;

  /** @param onHost false where there is no SSH to the host: then there is the state alone. */
  constructor(context: Pick<ResourceContext, "id" | "host">, { onHost = true } = {}) {
    this.#context = context;
    this.#onHost = onHost;
    this.#path = `${directory}/${context.id}.json`;
  }

  /**
   * Remembers what was found where nothing is remembered yet.
   *
   * @param stored what the state remembers.
   * @returns all that is remembered.
   */
  async remember(found: Before, stored: Before): Promise<Before> {
    if (Object.keys(found).every((name) => Object.hasOwn(stored, name))) return stored;
    const kept = await this.#read();
    const all = { ...found, ...kept, ...stored };
    if (Object.keys(all).some((name) => !Object.hasOwn(kept, name))) await this.#write(all);
    return all;
  }

  /** What the state remembers, and what only the host does. */
  async recall(stored: Before): Promise<Before> {
    return { ...(await this.#read()), ...stored };
  }

  /** Forgets all but these. */
  async keep(rest: Before): Promise<void> {
    await this.#write(rest);
  }

  async #read(): Promise<Before> {
    if (!this.#onHost) return {};
    const step = "reading what was there before the first change";
    const { stdout } = await this.#context.host.run(sh`if [ -e ${this.#path} ]; then cat ${this.#path}; fi`, {
      step,
    });
    if (!stdout.trim()) return {};
    try {
      return beforeSchema.parse(JSON.parse(stdout));
    } catch (cause) {
      throw new ExplainedError({
        host: this.#context.host.name,
        step,
        found: `${this.#path} is not what an update wrote`,
        remedy:
          "Repair it from a backup. Without it, what was there before cannot be put back: remove it only when that does not matter.",
        cause,
      });
    }
  }

  async #write(values: Before): Promise<void> {
    if (!this.#onHost) return;
    const script =
      Object.keys(values).length > 0
        ? sh`set -e
umask 077
mkdir -p ${directory}
new=$(mktemp ${`${directory}/.new.XXXXXX`})
cat > "$new"
sync "$new"
mv -f "$new" ${this.#path}`
        : sh`rm -f ${this.#path}
rmdir ${directory} ${ledgerPlace.directory} 2>/dev/null || true`;
    await this.#context.host.run(script, {
      step: "remembering what was there before the first change",
      input: JSON.stringify(values),
    });
  }
}

import { z } from "zod";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { sh } from "../../../hosts/shell.ts";
import type { Json, ResourceContext } from "../../kernel/definition.ts";
import { same } from "../../kernel/stored-properties.ts";
import { ledgerPlace } from "./place.ts";

/** Original values, before this project changed them, by names of the resource. */
export const beforeSchema = z.record(z.string(), z.json() as unknown as z.ZodType<Json>);
export type Before = Readonly<Record<string, Json>>;

interface Changes<Value> {
  readonly changes: Readonly<Record<string, Value>>;
  /** Names that have an original value, but do not exist any more. */
  readonly lost: readonly string[];
}

/**
 * What is different from the declared values, and from the original values of names that are no longer declared.
 *
 * @param found The actual values.
 */
export function changesTo<Value extends Json>(
  declared: Readonly<Record<string, Value>>,
  before: Readonly<Record<string, Value>>,
  found: Readonly<Record<string, Value>>,
): Changes<Value> {
  const wanted = { ...before, ...declared };
  const lost = Object.keys(wanted).filter(
    (name) => !(Object.hasOwn(found, name) || Object.hasOwn(declared, name)),
  );
  const changes = Object.entries(wanted).filter(
    ([name, value]) => !lost.includes(name) && !same(value, found[name]),
  );
  return { changes: Object.fromEntries(changes), lost };
}

const directory = `${ledgerPlace.directory}/before`;

/**
 * The original state before a resource's first change, to restore it later. It is stored in the state, and also on the
 * host, in a file that only root can read. The file is written before the change, because an update that is killed
 * writes no state.
 *
 *     const ledger = new BeforeLedger(context);
 *     const before = await ledger.remember({ "vm.swappiness": "60" }, observed?.outputs.before ?? {});
 *     const { changes, lost } = changesTo(declared, before, found);
 *     // ... make the changes, warn of the lost ones ...
 *     await ledger.keep(before, Object.keys(declared));
 */
export class BeforeLedger {
  readonly #context: Pick<ResourceContext, "id" | "host">;
  readonly #onHost: boolean;
  readonly #path: string;

  /** @param onHost False if there is no SSH to the host: only the state is used then. */
  constructor(context: Pick<ResourceContext, "id" | "host">, { onHost = true } = {}) {
    this.#context = context;
    this.#onHost = onHost;
    this.#path = `${directory}/${context.id}.json`;
  }

  /**
   * Stores found values for names that have no stored value yet.
   *
   * @param stored The values in the state.
   * @returns All stored values, also those that only a killed update stored.
   */
  async remember(found: Before, stored: Before): Promise<Before> {
    const kept = await this.#read();
    const all = { ...found, ...kept, ...stored };
    if (Object.keys(all).some((name) => !Object.hasOwn(kept, name))) await this.#write(all);
    return all;
  }

  /** The values in the state, and those only on the host. */
  async recall(stored: Before): Promise<Before> {
    return { ...(await this.#read()), ...stored };
  }

  /**
   * Removes all values but these, which it returns.
   *
   * @param names Of these only the values of these names. @default all
   */
  async keep<Value extends Json>(
    values: Readonly<Record<string, Value>>,
    names: readonly string[] = Object.keys(values),
  ): Promise<Record<string, Value>> {
    const rest = Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
    await this.#write(rest);
    return rest;
  }

  async #read(): Promise<Before> {
    if (!this.#onHost) return {};
    const step = "reading the original values";
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
        found: `${this.#path} was not written by an update`,
        remedy:
          "Restore it from a backup. Without it the original values cannot be restored: remove it only if you do not need them.",
        cause,
      });
    }
  }

  async #write(values: Before): Promise<void> {
    if (!this.#onHost) return;
    const change =
      Object.keys(values).length > 0
        ? sh`mkdir -p ${directory}
new=$(mktemp ${`${directory}/.new.XXXXXX`})
cat > "$new"
sync "$new"
mv -f "$new" ${this.#path}`
        : sh`rm -f ${this.#path}
rmdir ${directory} ${ledgerPlace.directory} 2>/dev/null || true`;
    // Of two resources, one may remove the empty directory while the other one is about to use it.
    const script = sh`set -e
umask 077
exec 9> ${ledgerPlace.lock}
flock -w 300 9 || { echo another update has held ${ledgerPlace.lock} for 5 minutes >&2; exit 1; }
`;
    await this.#context.host.run(`${script}${change}`, {
      step: "storing the original values",
      input: JSON.stringify(values),
    });
  }
}

import { sh } from "../../../hosts/shell.ts";
import type { Json, Scene } from "../../kernel/definition.ts";
import type { MaasInputs } from "../../maas/region/connection.ts";
import { ledgerPlace } from "./place.ts";

/** By a name of the resource's own: what MAAS had there before this project changed it. */
export type Before = Readonly<Record<string, Json>>;

/**
 * What MAAS had before a resource's first change. The state remembers it; so does the region host, in a file that only root
 * reads, written before the change: an update that is killed leaves no state. Without SSH (`direct`) there is the state alone.
 */
export class BeforeLedger {
  readonly #scene: Scene;
  readonly #direct: boolean;
  readonly #path: string;

  constructor(scene: Scene, { maas }: MaasInputs) {
    this.#scene = scene;
    this.#direct = maas.direct;
    this.#path = `${ledgerPlace.directory}/maas/${scene.id}.json`;
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
    if (this.#direct) return {};
    const { stdout } = await this.#scene.host.run(sh`if [ -e ${this.#path} ]; then cat ${this.#path}; fi`, {
      step: "reading what MAAS had before",
    });
    return stdout.trim() ? (JSON.parse(stdout) as Before) : {};
  }

  async #write(values: Before): Promise<void> {
    if (this.#direct) return;
    const directory = `${ledgerPlace.directory}/maas`;
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
    await this.#scene.host.run(script, {
      step: "remembering what MAAS had before",
      input: JSON.stringify(values),
    });
  }
}

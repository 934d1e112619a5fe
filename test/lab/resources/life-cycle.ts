import { closeAll, configureSsh } from "../../../hosts/connections.ts";
import { type Lab, labDown, labUp } from "../../../lab/lab.ts";
import { type Manifest, manifestOf } from "../../../lab/manifest.ts";
import type { AnyDefinition, Json } from "../../../resources/kernel/definition.ts";
import { EngineLog } from "../../../resources/kernel/engine-log.ts";
import { DefinitionProvider } from "../../../resources/kernel/provider.ts";
import { hidden, type Properties, same } from "../../../resources/kernel/stored-properties.ts";
import { UpdateRecord } from "../../../resources/kernel/update-record.ts";

/** The messages of a resource. */
class Heard extends EngineLog {
  readonly warnings: string[] = [];
  readonly progress: string[] = [];

  constructor() {
    super(undefined);
  }

  override async log(_urn: string, message: string, { severity = "info" } = {}): Promise<void> {
    (severity === "warning" ? this.warnings : this.progress).push(message);
  }
}

interface Preview {
  readonly change: "create" | "update" | "none";
  /** The properties that differ: observed and declared values. */
  readonly differs: Readonly<Record<string, readonly [there: Json | undefined, wanted: Json | undefined]>>;
}

/** One resource with the engine's calls in their order. Each one starts with a refresh. */
export class LifeCycle {
  readonly name: string;
  readonly heard = new Heard();
  readonly #definition: AnyDefinition;
  #provider: DefinitionProvider;
  #state: { id: string; inputs: Properties; outputs: Properties; failed?: boolean } | undefined;

  constructor(definition: AnyDefinition, name: string) {
    this.name = name;
    this.#definition = definition;
    this.#provider = this.#newProcess();
  }

  /** The outputs in the state, which include the inputs. */
  get properties(): Properties | undefined {
    return this.#state?.outputs;
  }

  async preview(inputs: Properties): Promise<Preview> {
    await this.refresh();
    const news = await this.#checked(inputs);
    if (!this.#state) return { change: "create", differs: differences({}, news) };
    const diff = await this.#provider.diff(this.#state.id, this.#state.outputs, news);
    const differs = differences(this.#state.inputs, news);
    return { change: diff.changes === false ? "none" : "update", differs };
  }

  /** Refreshes, and applies if something differs. */
  async up(inputs: Properties): Promise<Preview> {
    const preview = await this.preview(inputs);
    const news = await this.#checked(inputs);
    if (preview.change === "none" && !this.#state?.failed) return preview;
    try {
      if (this.#state) {
        const { id, outputs } = this.#state;
        const { outs } = await this.#provider.update(id, outputs, news);
        this.#state = { id, inputs: news, outputs: outs };
      } else {
        const { id, outs } = await this.#provider.create(news);
        this.#state = { id, inputs: news, outputs: outs };
      }
    } catch (error) {
      // The provider reports that a part is done. The engine stores it and tries again at the next update.
      if (error instanceof Error && "id" in error && "properties" in error) {
        this.#state = {
          id: String(error.id),
          inputs: news,
          outputs: error.properties as Properties,
          failed: true,
        };
      }
      throw error;
    }
    return preview;
  }

  async refresh(): Promise<void> {
    if (!this.#state) return;
    const { id, inputs, props } = await this.#provider.read(this.#state.id, this.#state.outputs);
    this.#state = id
      ? { ...this.#state, inputs: inputs as Properties, outputs: props as Properties }
      : undefined;
  }

  async destroy(): Promise<void> {
    this.#provider = this.#newProcess();
    await this.refresh();
    if (this.#state) await this.#provider.delete(this.#state.id, this.#state.outputs);
    this.#state = undefined;
  }

  /** A provider as in the next command's process, which has seen no declaration. */
  #newProcess(): DefinitionProvider {
    return new DefinitionProvider(this.#definition, this.heard, undefined, new UpdateRecord());
  }

  async #checked(inputs: Properties): Promise<Properties> {
    const given = { ...inputs, [hidden.name]: `test-${this.name}`, [hidden.urn]: "" };
    const { inputs: checked, failures } = await this.#provider.check(this.#state?.inputs ?? {}, given);
    if (failures?.length) throw new Error(failures.map(({ reason }) => reason).join("\n"));
    return checked as Properties;
  }
}

/** `files["/etc/a"].content` and so on, with both values, as a preview lists them. */
function differences(there: Json | undefined, wanted: Json | undefined, path = ""): Preview["differs"] {
  if (same(there, wanted)) return {};
  const isTree = (value: Json | undefined): value is Properties =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTree(there) || !isTree(wanted)) return { [path]: [there, wanted] };
  const keys = new Set([...Object.keys(wanted), ...(path ? Object.keys(there) : [])]);
  return Object.assign(
    {},
    ...[...keys]
      .filter((key) => !key.startsWith("__"))
      .map((key) => differences(there[key], wanted[key], path ? `${path}[${key}]` : key)),
  );
}

/** A separate lab for one test file, so that the manifests of other tests do not show its changes. */
export class ResourceLab {
  readonly lab: Lab;
  readonly #name: string;

  private constructor(name: string, lab: Lab) {
    this.#name = name;
    this.lab = lab;
  }

  static async up(name: string, hosts: readonly string[]): Promise<ResourceLab> {
    const lab = await labUp(name, { hosts }).catch(async (error) => {
      await labDown(name);
      throw error;
    });
    configureSsh({ configFile: lab.paths.sshConfig });
    return new ResourceLab(name, lab);
  }

  /** Runs a shell command on mirror, which must succeed. Returns its output. */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.lab.sh("mirror", script);
    if (code !== 0) throw new Error(`${script}: exit status ${code}: ${stderr}`);
    return stdout;
  }

  manifest(): Promise<Manifest> {
    return manifestOf(this.lab, "mirror");
  }

  async down(): Promise<void> {
    await closeAll();
    configureSsh({ configFile: undefined });
    await labDown(this.#name);
  }
}

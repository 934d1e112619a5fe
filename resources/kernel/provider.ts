import type * as pulumi from "@pulumi/pulumi";
import { ExplainedError } from "../../errors/explained-error.ts";
import { configureSsh, hostNamed } from "../../hosts/connections.ts";
import { check } from "./check.ts";
import { type HostInputs, PartlyApplied, type ResourceDefinition, type Scene } from "./definition.ts";
import { EngineLog } from "./engine-log.ts";
import {
  hidden,
  hiddenOf,
  inputsOf,
  outputsOf,
  type Properties,
  same,
  storable,
  upgraded,
} from "./stored-properties.ts";

type Definition = ResourceDefinition<HostInputs & Record<string, unknown>, Record<string, unknown>>;

/** A definition's life cycle in the terms of Pulumi's dynamic provider protocol. */
export class DefinitionProvider implements pulumi.dynamic.ResourceProvider {
  readonly #definition: Definition;
  readonly #engine: EngineLog;

  constructor(definition: Definition, engine = new EngineLog(process.argv[2])) {
    this.#definition = definition;
    this.#engine = engine;
  }

  // The SDK does not wait for an asynchronous configure before a second call comes in: this one is not.
  async configure(request: pulumi.dynamic.ConfigureRequest): Promise<void> {
    const configFile = request.config.get("sshConfig");
    configureSsh(configFile ? { configFile } : {});
  }

  async check(olds: Properties, news: Properties): Promise<pulumi.dynamic.CheckResult> {
    const { inputs, failures } = check(this.#definition.inputs, news);
    const names = { ...hiddenOf(news), [hidden.name]: olds?.[hidden.name] ?? news[hidden.name] ?? null };
    return { inputs: { ...inputs, ...names }, failures: [...failures] };
  }

  /**
   * Says what replaces and leaves the rest to the engine, which then shows it property by property.
   * Only what a person declares is compared: following a rename is not a change.
   */
  async diff(_id: string, olds: Properties, news: Properties): Promise<pulumi.dynamic.DiffResult> {
    const before = inputsOf(this.#definition, upgraded(this.#definition, olds));
    const after = inputsOf(this.#definition, news);
    if (same(before, after)) return { changes: false };
    const identity = ["host", ...(this.#definition.identity ?? [])];
    const replaces = identity.filter((key) => !same(before[key], after[key]));
    // On one host old and new share their name there, so the old has to go first.
    const deleteBeforeReplace = replaces.length > 0 && !replaces.includes("host");
    // `undefined` (the engine compares) is what the protocol has and the SDK's type has not.
    return { replaces, deleteBeforeReplace } as pulumi.dynamic.DiffResult;
  }

  async create(inputs: Properties): Promise<pulumi.dynamic.CreateResult> {
    const id = this.#idOf(inputs);
    const outs = await this.#apply("creating", id, inputs, undefined);
    return { id, outs };
  }

  async update(id: string, olds: Properties, news: Properties): Promise<pulumi.dynamic.UpdateResult> {
    const previous = inputsOf(this.#definition, upgraded(this.#definition, olds));
    return { outs: await this.#apply("updating", id, news, previous) };
  }

  async read(id: string, stored: Properties): Promise<pulumi.dynamic.ReadResult> {
    return this.#explained("reading", stored, async () => {
      const properties = upgraded(this.#definition, stored);
      const declared = inputsOf(this.#definition, properties);
      const observed = await this.#definition.observe(
        this.#scene(id, properties),
        declared as never,
        outputsOf(this.#definition, properties),
      );
      // An empty id is how the protocol says "gone".
      if (!observed) return {} as pulumi.dynamic.ReadResult;
      const inputs = { ...(storable(observed.inputs) as Properties), ...hiddenOf(properties) };
      return {
        id,
        inputs,
        props: {
          ...inputs,
          ...(storable(observed.outputs) as Properties),
          [hidden.version]: this.#definition.version,
        },
      };
    });
  }

  async delete(id: string, stored: Properties): Promise<void> {
    await this.#explained("deleting", stored, async () => {
      const properties = upgraded(this.#definition, stored);
      const declared = inputsOf(this.#definition, properties);
      await this.#definition.remove(
        this.#scene(id, properties),
        declared as never,
        outputsOf(this.#definition, properties),
      );
    });
  }

  async #apply(
    step: string,
    id: string,
    inputs: Properties,
    previous: Properties | undefined,
  ): Promise<Properties> {
    const withOutputs = (outputs: object): Properties => ({
      ...inputs,
      ...(storable(outputs, "outputs") as Properties),
      [hidden.version]: this.#definition.version,
    });
    return this.#explained(step, inputs, async () => {
      const scene = this.#scene(id, inputs);
      const wanted = inputsOf(this.#definition, inputs) as never;
      try {
        const observed = await this.#definition.observe(scene, wanted);
        return withOutputs(await this.#definition.apply(scene, wanted, observed, previous as never));
      } catch (error) {
        if (!(error instanceof PartlyApplied)) throw error;
        const explained = this.#explain(step, inputs, error.cause);
        throw Object.assign(explained, {
          id,
          properties: withOutputs(error.outputs),
          reasons: [explained.message],
        });
      }
    });
  }

  #idOf(inputs: Properties): string {
    return `${this.#definition.kind.toLowerCase()}-${String(inputs[hidden.name])}`;
  }

  #scene(id: string, properties: Properties): Scene {
    const urn = String(properties[hidden.urn] ?? "");
    return {
      id,
      host: hostNamed(String(properties.host)),
      progress: (line) => void this.#engine.log(urn, line, { ephemeral: true }),
      warn: (line) => void this.#engine.log(urn, line, { severity: "warning" }),
    };
  }

  async #explained<T>(step: string, properties: Properties, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error && "reasons" in error) throw error;
      throw this.#explain(step, properties, error);
    }
  }

  #explain(step: string, properties: Properties, error: unknown): Error {
    const urn = String(properties[hidden.urn] ?? "");
    const name = urn.split("::").at(-1) || String(properties[hidden.name] ?? "");
    const context = {
      resource: `${this.#definition.kind} ${name}`,
      host: String(properties.host ?? "") || undefined,
    };
    const explained =
      error instanceof ExplainedError
        ? error.within(context)
        : new ExplainedError({
            ...context,
            step,
            found: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
            remedy: "This was not foreseen. Please report it with this message and the stack trace.",
            cause: error,
          });
    // check, diff, read and delete print the stack: for a foreseen failure it says nothing to its reader.
    if (error instanceof ExplainedError) explained.stack = "";
    return explained;
  }
}

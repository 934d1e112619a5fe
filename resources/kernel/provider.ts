import type * as pulumi from "@pulumi/pulumi";
import { ExplainedError } from "../../errors/explained-error.ts";
import { explainedOnce } from "../../errors/repeated-failure.ts";
import { configureSsh, hostNamed } from "../../hosts/connections.ts";
import type { Host } from "../../hosts/host.ts";
import { SshConfigurationError, Unreachable } from "../../hosts/unreachable.ts";
import { check, type Failure } from "./check.ts";
import { type AnyDefinition, PartlyApplied, type ResourceContext } from "./definition.ts";
import { EngineLog } from "./engine-log.ts";
import { Redaction } from "./redaction.ts";
import {
  comparedOf,
  hidden,
  hiddenOf,
  inputsOf,
  outputsOf,
  type Properties,
  same,
  storable,
  storablePart,
  upgraded,
  withStatus,
} from "./stored-properties.ts";
import { containsUnknown, knownPart } from "./unknown-values.ts";
import { type UpdateRecord, updateRecord } from "./update-record.ts";

/** Implements Pulumi's dynamic provider protocol for a definition. */
export class DefinitionProvider implements pulumi.dynamic.ResourceProvider {
  readonly #definition: AnyDefinition;
  readonly #engine: EngineLog;
  readonly #hostNamed: (name: string) => Host;
  readonly #record: UpdateRecord;
  /** Log lines that are being sent to the engine. */
  readonly #pendingLines = new Set<Promise<void>>();

  /**
   * @param hosts Returns the host for a name.
   * @param record That of this update.
   */
  constructor(
    definition: AnyDefinition,
    engine = new EngineLog(process.argv[2]),
    hosts = hostNamed,
    record = updateRecord,
  ) {
    this.#definition = definition;
    this.#engine = engine;
    this.#hostNamed = hosts;
    this.#record = record;
  }

  // The SDK does not wait for an asynchronous configure before the next call, so this one does nothing asynchronous.
  async configure(request: pulumi.dynamic.ConfigureRequest): Promise<void> {
    const configFile = request.config.get("sshConfig");
    configureSsh(configFile ? { configFile } : {});
  }

  async check(olds: Properties, news: Properties): Promise<pulumi.dynamic.CheckResult> {
    return this.#explained("checking what is declared", news, async (redaction) => {
      const name = this.#record.nameOf(urnOf(news), olds?.[hidden.name], news[hidden.name] ?? null);
      const names = { ...hiddenOf(news), [hidden.name]: name };
      const { inputs: checked, failures } = check(this.#definition.inputs, news);
      const before =
        olds && Object.keys(olds).length > 0
          ? inputsOf(this.#definition, this.#upgraded(olds, redaction))
          : undefined;
      redaction.learn(checked).leaveOpen(news);
      const refused =
        failures.length > 0
          ? []
          : (this.#declaredTwice(checked, names) ??
            (await this.#refusedOnHost(checked, before, names, redaction)));
      return {
        inputs: { ...checked, ...withStatus(this.#definition), ...names, ...this.#versionOfInputs },
        // The engine prints the value of a property that is named here, with secrets in plain text (issueCheckFailures
        // in pkg/resource/deploy/step_generator.go of 3.259). So the path is written into the reason.
        failures: [...failures, ...refused].map(({ property, reason }) => ({
          property: "",
          reason: redaction.text(`${property} ${reason}`.trim()),
        })),
      };
    });
  }

  /** Why a resource cannot have its name on the host: another one of this program has it. */
  #declaredTwice(inputs: Properties, names: Properties): Failure[] | undefined {
    if (containsUnknown(inputs.host)) return undefined;
    const id = this.#idOf(names);
    const other = this.#record.declared(id, hostOf(inputs), urnOf(names));
    if (other === undefined) return undefined;
    const { message } = new ExplainedError({
      host: hostOf(inputs) || undefined,
      step: "checking the names on the host",
      found: `${other} is also declared, and has the same name there (${id})`,
      remedy:
        "Give one of them another name. One that exists keeps its name on the host: change the name of the new one.",
    });
    return [{ property: "", reason: message }];
  }

  /** The reasons why the inputs cannot be applied on the host, as far as that is known. */
  async #refusedOnHost(
    inputs: Properties,
    before: Properties | undefined,
    names: Properties,
    redaction: Redaction,
  ): Promise<Failure[]> {
    const definition = this.#definition;
    if (!definition.preflight || containsUnknown(inputs.host) || (before && same(before, inputs))) return [];
    const known = definition.inputs.safeParse(knownPart(inputs));
    if (!known.success) return [];
    const context = this.#context(this.#idOf(names), { ...inputs, ...names }, redaction);
    try {
      await definition.preflight(context, known.data as never, before as never, !containsUnknown(inputs));
      return [];
    } catch (error) {
      // A look-up on that host during the program reports it once; otherwise the update will.
      if (error instanceof SshConfigurationError) return [];
      if (!(error instanceof ExplainedError) || ofItsHost(error)) throw error;
      const { message } = error.within({ host: hostOf(inputs) });
      return [{ property: "", reason: message }];
    }
  }

  /**
   * Reports which inputs replace the resource; the engine compares and shows the rest by property. Only declared
   * inputs are compared: a rename is not a change.
   */
  async diff(id: string, olds: Properties, news: Properties): Promise<pulumi.dynamic.DiffResult> {
    return this.#explained("comparing", news, async (redaction) => {
      const before = comparedOf(this.#definition, this.#upgraded(olds, redaction));
      const after = comparedOf(this.#definition, news);
      const replaces = this.#identity.filter((key) => !same(before[key], after[key]));
      if (replaces.length === 0) this.#record.notReplaced(id, this.#kept(news));
      if (same(before, after)) return { changes: false };
      // On the same host both have the same name there, so the old one must be deleted first.
      const deleteBeforeReplace = replaces.length > 0 && !replaces.includes("host");
      // `undefined` (the engine compares) is valid in the protocol, but not in the SDK's type.
      return { replaces, deleteBeforeReplace } as pulumi.dynamic.DiffResult;
    });
  }

  async create(inputs: Properties): Promise<pulumi.dynamic.CreateResult> {
    const id = this.#idOf(inputs);
    try {
      const outs = await this.#apply("creating", id, inputs);
      this.#record.made(id, this.#kept(inputs));
      return { id, outs };
    } catch (error) {
      // The state stores what was made partly.
      if (error instanceof PartialFailure) this.#record.made(id, this.#kept(inputs));
      else this.#record.notMade(id);
      throw error;
    }
  }

  async update(id: string, olds: Properties, news: Properties): Promise<pulumi.dynamic.UpdateResult> {
    return { outs: await this.#apply("updating", id, news, olds) };
  }

  async read(id: string, stored: Properties): Promise<pulumi.dynamic.ReadResult> {
    return this.#explained("reading", stored, async (redaction) => {
      const properties = this.#upgraded(stored, redaction);
      redaction.leaveOpen(properties);
      const declared = inputsOf(this.#definition, properties);
      const observed = await this.#definition.observe(
        this.#context(id, properties, redaction),
        declared as never,
        outputsOf(this.#definition, properties),
      );
      // In the protocol an empty id means that the resource does not exist.
      if (!observed) return {} as pulumi.dynamic.ReadResult;
      redaction.learn(observed.inputs).learn(observed.outputs);
      const inputs = {
        ...(storable(observed.inputs, "inputs") as Properties),
        ...withStatus(this.#definition, observed.status),
        ...hiddenOf(properties),
        ...this.#versionOfInputs,
      };
      return {
        id,
        inputs,
        props: this.#withOutputs(inputs, storable(observed.outputs, "outputs") as Properties),
      };
    });
  }

  async delete(id: string, stored: Properties): Promise<void> {
    await this.#explained("deleting", stored, async (redaction) => {
      const properties = this.#upgraded(stored, redaction);
      if (await this.#record.isTakenOver(id, this.#kept(properties), this.#hostNamed)) return;
      redaction.leaveOpen(properties);
      const declared = inputsOf(this.#definition, properties);
      await this.#definition.remove(
        this.#context(id, properties, redaction),
        declared as never,
        outputsOf(this.#definition, properties),
      );
    });
  }

  /** Inputs whose change replaces the resource. */
  get #identity(): readonly string[] {
    return ["host", ...(this.#definition.identity ?? [])];
  }

  #kept(properties: Properties) {
    const { host: _, ...identity } = Object.fromEntries(
      this.#identity.map((key) => [key, properties[key] ?? null]),
    );
    return { host: hostOf(properties), identity };
  }

  async #apply(step: string, id: string, inputs: Properties, olds?: Properties): Promise<Properties> {
    return this.#explained(step, inputs, async (redaction) => {
      redaction.leaveOpen(inputs);
      const context = this.#context(id, inputs, redaction);
      const wanted = inputsOf(this.#definition, inputs) as never;
      const before = olds && this.#upgraded(olds, redaction);
      const previous = before && inputsOf(this.#definition, before);
      const observed = await this.#definition.observe(
        context,
        wanted,
        before && outputsOf(this.#definition, before),
      );
      redaction.learn(observed?.inputs).learn(observed?.outputs);
      let made: object | undefined;
      try {
        made = (await this.#definition.apply(context, wanted, observed, previous as never)) ?? {};
        return this.#withOutputs(inputs, storable(made, "outputs") as Properties);
      } catch (error) {
        const partly = error instanceof PartlyApplied;
        made = partly ? error.outputs : made;
        if (made === undefined) throw error;
        // Something exists on the host now. Without an id and properties the engine would not store it.
        const explained = this.#explain(step, inputs, partly ? error.cause : error, redaction.learn(made));
        const properties = this.#withOutputs(inputs, storablePart(made));
        throw new PartialFailure(explained, id, properties);
      }
    });
  }

  /** Stored properties in the current shape. A host may quote secrets of them, in both shapes. */
  #upgraded(stored: Properties, redaction: Redaction): Properties {
    redaction.learn(stored);
    const properties = upgraded(this.#definition, stored);
    redaction.learn(properties);
    return properties;
  }

  #withOutputs(inputs: Properties, outputs: Properties): Properties {
    return { ...inputs, ...outputs, [hidden.version]: this.#definition.version };
  }

  /**
   * The engine passes the stored inputs to `check`, without the outputs, so they have the version too. Version 1 is left
   * out: a preview without a refresh shows a new key, even a hidden one, for resources whose inputs do not have it.
   */
  get #versionOfInputs(): Properties {
    const { version } = this.#definition;
    return version > 1 ? { [hidden.version]: version } : {};
  }

  #idOf(inputs: Properties): string {
    return `${this.#definition.kind.toLowerCase()}-${String(inputs[hidden.name])}`;
  }

  #context(id: string, properties: Properties, redaction: Redaction): ResourceContext {
    const urn = urnOf(properties);
    return {
      id,
      host: this.#hostNamed(hostOf(properties)),
      progress: (line) => this.#sendLine(urn, redaction.text(line), { ephemeral: true }),
      warn: (line) => this.#sendLine(urn, redaction.text(line), { severity: "warning" }),
    };
  }

  #sendLine(urn: string, line: string, how: Parameters<EngineLog["log"]>[2]): void {
    const sent = this.#engine.log(urn, line, how);
    this.#pendingLines.add(sent);
    void sent.finally(() => this.#pendingLines.delete(sent));
  }

  async #explained<T>(
    step: string,
    properties: Properties,
    work: (redaction: Redaction) => Promise<T>,
  ): Promise<T> {
    const redaction = new Redaction(this.#definition.secrets).learn(properties);
    try {
      return await work(redaction);
    } catch (error) {
      if (error instanceof PartialFailure) throw error;
      throw this.#explain(step, properties, error, redaction);
    } finally {
      // After the answer of its last operation the engine ends, and accepts no more lines.
      await Promise.all(this.#pendingLines);
    }
  }

  #explain(step: string, properties: Properties, error: unknown, redaction: Redaction): ExplainedError {
    const urn = urnOf(properties);
    const name = urn.split("::").at(-1) || String(properties[hidden.name] ?? "");
    const context = {
      resource: `${this.#definition.kind} ${name}`,
      host: hostOf(properties) || undefined,
    };
    const foreseen = error instanceof ExplainedError;
    const explained = foreseen
      ? ofItsHost(error)
        ? explainedOnce(error.within(context), context.resource)
        : error.within(context)
      : new ExplainedError({
          ...context,
          step,
          found: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
          remedy: "This was not foreseen. Please report it with this message and the stack trace.",
        });
    // check, diff, read and delete print the stack. For a foreseen failure it is not useful.
    explained.stack = foreseen ? "" : error instanceof Error ? (error.stack ?? "") : "";
    return redaction.error(explained);
  }
}

function hostOf({ host }: Properties): string {
  return String(host ?? "");
}

function urnOf(properties: Properties): string {
  return String(properties[hidden.urn] ?? "");
}

/** If a host cannot be reached, all its resources fail with the same error. */
function ofItsHost(error: ExplainedError): boolean {
  return error instanceof Unreachable || error instanceof SshConfigurationError;
}

/** With these fields the SDK stores the properties in the state, and the next update continues from there. */
class PartialFailure extends ExplainedError {
  readonly id: string;
  readonly properties: Properties;
  readonly reasons: readonly string[];

  constructor(error: ExplainedError, id: string, properties: Properties) {
    super(error.explanation);
    this.id = id;
    this.properties = properties;
    this.reasons = [error.message];
  }
}

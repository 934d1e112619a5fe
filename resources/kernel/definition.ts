import type { z } from "zod";
import type { Host } from "../../hosts/host.ts";

/** A value as Pulumi's state can hold it: what JSON knows, nothing else. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The inputs every resource has. */
interface HostInputs {
  /** The machine, as one would name it after `ssh`. How to get in is OpenSSH's configuration. */
  readonly host: string;
}

/** What is known about the resource that is being worked on, and what it may use. */
export interface ResourceContext {
  /** Names the resource on its host, e.g. in ledgers, locks and job names: `files-dc1-ubuntu-site`. */
  readonly id: string;
  readonly host: Host;
  /** Shows a passing line beside the resource while it is worked on. Never give it a secret. */
  progress(line: string): void;
  /** Leaves a line in the update's record. Never give it a secret. */
  warn(line: string): void;
}

/** Reality in the terms of the declaration. */
export interface Observation<Inputs, Outputs, Facts = unknown> {
  /** What the host really has, in the shape of the inputs: where it equals them there is no drift. */
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  /** What is not in order, by the names of the definition's `status`; what is left out is in order. For people. */
  readonly status?: Status;
  /** What `apply` needs to know besides. It is for this one update: the state does not keep it. */
  readonly facts?: Facts;
}

/** How a resource is, as a short text for each point. */
export type Status = Readonly<Record<string, string>>;

/** Whether nothing was found that the status tells of. */
export function isInOrder({ status = {} }: { readonly status?: Status }): boolean {
  return Object.keys(status).length === 0;
}

/** What a definition says and does, less its schemas. */
interface Behaviour<Inputs extends HostInputs, Outputs extends object, Facts> {
  /** Short, unique, and the same for ever: it is what the state remembers. */
  readonly kind: string;
  /** Raised when the stored shape changes; `upgrades` then says how to read older ones. */
  readonly version: number;
  /** `upgrades[n]` turns stored properties of version n into those of version n + 1. */
  readonly upgrades?: { readonly [version: number]: (stored: Record<string, Json>) => Record<string, Json> };
  /**
   * What is observed beside the declaration, and what it says where all is in order: `{ integrity: "complete" }`. It is
   * stored apart from the inputs, as `status`; where it is found otherwise, a preview shows that as drift.
   */
  readonly status?: Status;
  /** Inputs whose change makes it another thing: replaced, not updated. `host` always is. */
  readonly identity?: readonly (keyof Inputs & string)[];
  /**
   * Outputs (or inputs) that are secret whatever they were made from: kept encrypted in the state as a whole,
   * and taken out of every message. A path says which part must not be in messages where the rest may
   * be: `secretFiles.*.content`.
   */
  readonly secrets?: readonly string[];

  /**
   * Looks, and changes nothing. Undefined means absent. Several things are asked with one
   * `host.facts(...)` each, called before the first await: those of all resources of a host then
   * go in one round trip.
   */
  observe(
    context: ResourceContext,
    declared: Inputs,
    outputs?: Outputs,
  ): Promise<Observation<Inputs, Outputs, Facts> | undefined>;

  /**
   * What is wanted in the end, where that depends on what an existing resource was declared as, or on what a new one
   * finds on its host: a default that was another in earlier releases. Called before anything is compared.
   */
  resolveInputs?(context: ResourceContext, wanted: Inputs, previous: Inputs | undefined): Promise<Inputs>;

  /**
   * Looks on the host, in the preview already, whether a change can be made; changes nothing. Called for a new resource
   * and for one whose declaration has changed. Entries that hold what is not known yet are left out; `isWhole` says that
   * there are none.
   *
   * @throws ExplainedError, which refuses the preview
   */
  preflight?(
    context: ResourceContext,
    wanted: Inputs,
    previous: Inputs | undefined,
    isWhole: boolean,
  ): Promise<void>;

  /**
   * Makes it so. Called for a new resource as for a changed one, on absent as on something already
   * there; does nothing where nothing differs. `previous` is what was declared before, if it was.
   */
  apply(
    context: ResourceContext,
    wanted: Inputs,
    observed: Observation<Inputs, Outputs, Facts> | undefined,
    previous?: Inputs,
  ): Promise<Outputs>;

  /** Takes away what apply made. Data stays unless the inputs say otherwise; what stays is named by a warning. */
  remove(context: ResourceContext, declared: Inputs, outputs: Outputs): Promise<void>;
}

/** The schemas of a definition, which its types come from. */
export interface DefinedBy<Inputs extends z.ZodObject, Outputs extends z.ZodObject> {
  /** Accepts what a user may write, gives defaults, and says what is wrong in the user's terms. */
  readonly inputs: Inputs;
  /** What `apply` returns, for the state and for programs. */
  readonly outputs: Outputs;
}

type ResourceDefinition<Inputs extends z.ZodObject, Outputs extends z.ZodObject, Facts = unknown> = Behaviour<
  z.output<Inputs> & HostInputs,
  z.output<Outputs>,
  Facts
> &
  DefinedBy<Inputs, Outputs>;

// biome-ignore lint/suspicious/noExplicitAny: code that serves definitions of every shape
export type AnyDefinition = Behaviour<any, any, any> & DefinedBy<z.ZodObject, z.ZodObject>;

/** Ties the parts of a definition together: the types of its inputs and outputs are those of its schemas. */
export function defineResource<
  Inputs extends z.ZodObject & z.ZodType<HostInputs>,
  Outputs extends z.ZodObject,
  Facts = unknown,
>(definition: ResourceDefinition<Inputs, Outputs, Facts>): ResourceDefinition<Inputs, Outputs, Facts> {
  return definition;
}

/**
 * Thrown by `apply` when part of the work is done and lasts: what was made is then remembered in
 * the state, and the next update carries on from there.
 */
export class PartlyApplied extends Error {
  override readonly name = "PartlyApplied";
  readonly outputs: object;
  constructor(cause: unknown, outputs: object) {
    // What of a part's own failure is remembered, the whole remembers better.
    const first = cause instanceof PartlyApplied ? (cause.cause as Error) : (cause as Error);
    super(first.message, { cause: first });
    this.outputs = outputs;
  }
}

import type { z } from "zod";
import type { Host } from "../../hosts/host.ts";

/** A value that Pulumi's state can store: JSON values only. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The inputs every resource has. */
interface HostInputs {
  /** The machine, as you would type it after `ssh`. OpenSSH's configuration determines how to log in. */
  readonly host: string;
}

/** The current resource, and the tools for its functions. */
export interface ResourceContext {
  /** Names the resource on its host, e.g. in ledgers, locks and job names: `files-ubuntu_of_dc1_of_site`. */
  readonly id: string;
  readonly host: Host;
  /** Shows a temporary line beside the resource. Never pass a secret. */
  progress(line: string): void;
  /** Writes a permanent line to the update's output. Never pass a secret. */
  warn(line: string): void;
}

/** The actual state in the form of the declaration. */
export interface Observation<Inputs, Outputs, Facts = unknown> {
  /** The actual values in the shape of the inputs. Where they are equal to the declared ones there is no drift. */
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  /** Problems, by the names in the definition's `status`; names that are left out are in order. For display. */
  readonly status?: Status;
  /** Further facts for `apply` in this update. They are not stored in the state. */
  readonly facts?: Facts;
}

/** The status of a resource, with a short text for each point. */
export type Status = Readonly<Record<string, string>>;

/** Whether the status contains no problem. */
export function isInOrder({ status = {} }: { readonly status?: Status }): boolean {
  return Object.keys(status).length === 0;
}

/** A definition without its schemas. */
interface Behaviour<Inputs extends HostInputs, Outputs extends object, Facts> {
  /** Short, unique and never changed: the state identifies the kind by it. */
  readonly kind: string;
  /** Increased when the stored shape changes; `upgrades` then converts older ones. */
  readonly version: number;
  /**
   * `upgrades[n]` turns stored properties of version n into those of version n + 1: the inputs with the outputs, or the
   * inputs alone (in a check).
   */
  readonly upgrades?: { readonly [version: number]: (stored: Record<string, Json>) => Record<string, Json> };
  /**
   * Further observed points, with their texts if all is in order: `{ integrity: "complete" }`. They are stored
   * separately from the inputs, as `status`. A preview shows another text as drift.
   */
  readonly status?: Status;
  /** Inputs whose change replaces the resource instead of updating it. `host` always does. */
  readonly identity?: readonly (keyof Inputs & string)[];
  /**
   * Outputs (or inputs) that are always secret: stored encrypted as a whole, and removed from every message. A path
   * names the part to remove from messages if the rest may be shown: `secretFiles.*.content`.
   */
  readonly secrets?: readonly string[];

  /**
   * Reads the actual state without changes. Undefined means absent. For several probes call `host.facts(...)` for each
   * before the first await: the probes of all resources of a host then need one round trip.
   */
  observe(
    context: ResourceContext,
    declared: Inputs,
    outputs?: Outputs,
  ): Promise<Observation<Inputs, Outputs, Facts> | undefined>;

  /**
   * Checks on the host whether a change is possible, already in the preview, without changes. Called for a new
   * resource and for one with a changed declaration. Entries with unknown values are left out; `isWhole` says that
   * there are none.
   *
   * @throws ExplainedError, which refuses the preview.
   */
  preflight?(
    context: ResourceContext,
    wanted: Inputs,
    previous: Inputs | undefined,
    isWhole: boolean,
  ): Promise<void>;

  /**
   * Applies the declaration. Called for new and for changed resources, whether something exists already or not; does
   * nothing if nothing differs. `previous` is the previous declaration, if any.
   */
  apply(
    context: ResourceContext,
    wanted: Inputs,
    observed: Observation<Inputs, Outputs, Facts> | undefined,
    previous?: Inputs,
  ): Promise<Outputs>;

  /** Removes what apply created. Data is kept unless the inputs say otherwise; a warning names what is kept. */
  remove(context: ResourceContext, declared: Inputs, outputs: Outputs): Promise<void>;
}

/** The schemas of a definition, from which its types are derived. */
export interface DefinedBy<Inputs extends z.ZodObject, Outputs extends z.ZodObject> {
  /** Validates the user's input, adds defaults, and explains errors in the user's terms. */
  readonly inputs: Inputs;
  /** The result of `apply`, for the state and for programs. */
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

/** Checks the types of a definition: its inputs and outputs are those of its schemas. */
export function defineResource<
  Inputs extends z.ZodObject & z.ZodType<HostInputs>,
  Outputs extends z.ZodObject,
  Facts = unknown,
>(definition: ResourceDefinition<Inputs, Outputs, Facts>): ResourceDefinition<Inputs, Outputs, Facts> {
  return definition;
}

/**
 * Thrown by `apply` when a part of the work is done and permanent: that part is stored in the state, and the next
 * update continues from there.
 */
export class PartlyApplied extends Error {
  override readonly name = "PartlyApplied";
  readonly outputs: object;
  constructor(cause: unknown, outputs: object) {
    // The error of a nested PartlyApplied is replaced by its cause: the outer one stores more.
    const first = cause instanceof PartlyApplied ? (cause.cause as Error) : (cause as Error);
    super(first.message, { cause: first });
    this.outputs = outputs;
  }
}

import { ExplainedError } from "../../errors/explained-error.ts";
import type { Host } from "../../hosts/host.ts";
import type { Json } from "./definition.ts";
import { isAmong } from "./same-machine.ts";
import { type Properties, same } from "./stored-properties.ts";

/** A resource that this update has made, or has found as declared. */
interface Kept {
  readonly host: string;
  /** The inputs that identify it on the host. */
  readonly identity: Properties;
}

/**
 * What the calls of one update tell about names on hosts. A provider process serves one update.
 *
 * A declaration can take the place of another one with the same name on the same host: a component is renamed back or
 * gets another parent, the host gets another name, or the engine is told to replace a resource. The engine creates the
 * new one, which takes over what is on the host, and deletes the old one afterwards. That deletion must remove nothing.
 */
export class UpdateRecord {
  readonly #namesByUrn = new Map<string, Json>();
  /** URNs by host, by id. */
  readonly #declared = new Map<string, Map<string, string>>();
  readonly #kept = new Map<string, Kept[]>();
  readonly #failed = new Set<string>();

  /**
   * The name on the host. It is kept: before a replacement, the engine checks a resource a second time, without what is
   * stored (step_generator.go of 3.259).
   *
   * @param stored The name in the state.
   * @param given The name by which the program declares it.
   */
  nameOf(urn: string, stored: Json | undefined, given: Json): Json {
    const name = stored ?? this.#namesByUrn.get(urn) ?? given;
    if (urn) this.#namesByUrn.set(urn, name);
    return name;
  }

  /** Notes that the program declares a resource. @returns The URN of another one that has this id on this host. */
  declared(id: string, host: string, urn: string): string | undefined {
    const urns = this.#declared.get(id) ?? new Map<string, string>();
    const other = urns.get(host);
    if (other !== undefined && other !== urn) return other;
    this.#declared.set(id, urns.set(host, urn));
    return undefined;
  }

  /** Notes that a resource stays, perhaps with changes. The engine also compares those that are no longer declared. */
  notReplaced(id: string, kept: Kept): void {
    if (this.#declared.get(id)?.has(kept.host)) this.made(id, kept);
  }

  /** Notes a creation. */
  made(id: string, kept: Kept): void {
    this.#failed.delete(id);
    this.#kept.set(id, [...(this.#kept.get(id) ?? []), kept]);
  }

  /** Notes that a creation failed. */
  notMade(id: string): void {
    this.#failed.add(id);
  }

  /**
   * Whether a declaration has taken over what a resource has on its host, so that its deletion must remove nothing.
   *
   * @throws ExplainedError when that declaration could not be created, or a host cannot be asked which machine it is.
   */
  async isTakenOver(
    id: string,
    { host, identity }: Kept,
    hostNamed: (name: string) => Host,
  ): Promise<boolean> {
    if (this.#failed.has(id)) {
      throw new ExplainedError({
        step: "deleting",
        found: "the declaration that takes its place could not be created, so nothing was removed",
        remedy: "Correct the error of the creation, then run the update again.",
      });
    }
    const successors = (this.#kept.get(id) ?? []).filter((kept) => same(kept.identity, identity));
    const hosts = successors.map((kept) => kept.host);
    if (hosts.length === 0) return false;
    if (hosts.includes(host)) return true;
    return isAmong(hostNamed(host), hosts.map(hostNamed));
  }
}

/** That of this process. */
export const updateRecord = new UpdateRecord();

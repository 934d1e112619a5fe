/**
 * The names on hosts of the resources that the program declares. A provider process serves one update.
 *
 * A declaration can take the place of another one with the same name on the same host: a component is renamed back or
 * gets another parent, the host gets another name, or the engine is told to replace a resource. The engine creates the
 * new one, which takes over what is on the host, and deletes the old one afterwards. That deletion must remove nothing.
 */
export class DeclaredNames {
  /** URNs by host, by name. */
  readonly #declared = new Map<string, Map<string, string>>();
  readonly #replaced = new Set<string>();

  /**
   * Notes a declaration of this update.
   *
   * @param name On the host.
   * @returns The URN of another declaration that has this name too.
   */
  declare(name: string, host: string, urn: string): string | undefined {
    const urns = this.#declared.get(name) ?? new Map<string, string>();
    const other = urns.get(host);
    if (other !== undefined && other !== urn) return other;
    this.#declared.set(name, urns.set(host, urn));
    return undefined;
  }

  /** Notes whether the engine will delete a resource before it creates it again on the same host. */
  replaceFirst(name: string, host: string, isReplaced: boolean): void {
    const key = JSON.stringify([name, host]);
    if (isReplaced) this.#replaced.add(key);
    else this.#replaced.delete(key);
  }

  /** Must be called once for each deletion. The hosts on which the name stays declared. */
  hostsAfterDeletion(name: string, host: string): string[] {
    if (this.#replaced.delete(JSON.stringify([name, host]))) return [];
    return [...(this.#declared.get(name)?.keys() ?? [])];
  }
}

/** Those of this process. */
export const declaredNames = new DeclaredNames();

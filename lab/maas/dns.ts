import type { Maas } from "./maas.ts";

/** A domain that MAAS's name server serves. */
export interface Domain {
  readonly id: number;
  name: string;
  authoritative: boolean;
  ttl: number | null;
}

/** The addresses of a name. */
export interface DnsResource {
  readonly id: number;
  /** Relative to its domain. `@` is the domain itself. */
  name: string;
  domain: number;
  address_ttl: number | null;
  addresses: string[];
}

/** The id of the domain that machines get by default. It cannot be deleted. */
export const defaultDomain = 0;

export function domains(maas: Maas): Domain[] {
  return maas.store.table<Domain>("domains", () => [
    { id: defaultDomain, name: "maas", authoritative: true, ttl: null },
  ]);
}

export function dnsResources(maas: Maas): DnsResource[] {
  return maas.store.table<DnsResource>("dnsResources");
}

/** An address that a user has set. Several names may have it. */
interface StaticAddress {
  readonly ip: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** The user who set it first. */
  readonly username: string;
}

function staticAddresses(maas: Maas): StaticAddress[] {
  return maas.store.table<StaticAddress>("staticAddresses");
}

export function staticAddress(maas: Maas, ip: string): StaticAddress | undefined {
  return staticAddresses(maas).find((address) => address.ip === ip);
}

/** Adds missing addresses that names use. Deletes addresses that no name uses. */
export function keepAddresses(maas: Maas, username: string): void {
  const used = new Set(dnsResources(maas).flatMap(({ addresses }) => addresses));
  const rows = staticAddresses(maas);
  const kept = rows.filter(({ ip }) => used.has(ip));
  for (const { ip } of kept) used.delete(ip);
  const made = [...used].map((ip) => ({ ip, created: maas.now(), username }));
  rows.splice(0, rows.length, ...kept, ...made);
}

import type { Maas } from "./maas.ts";

/** A domain that MAAS's name server knows. */
export interface Domain {
  readonly id: number;
  name: string;
  authoritative: boolean;
  ttl: number | null;
}

/** Addresses of a name. */
export interface DnsResource {
  readonly id: number;
  /** Within its domain; `@` for the domain itself. */
  name: string;
  domain: number;
  address_ttl: number | null;
  addresses: string[];
}

/** The domain that machines are in by themselves; it cannot be deleted. */
export const defaultDomain = 0;

export function domains(maas: Maas): Domain[] {
  return maas.store.table<Domain>("domains", () => [
    { id: defaultDomain, name: "maas", authoritative: true, ttl: null },
  ]);
}

export function dnsResources(maas: Maas): DnsResource[] {
  return maas.store.table<DnsResource>("dnsResources");
}

/** An address that somebody set by hand; several names may have it. */
interface StaticAddress {
  readonly ip: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Who set it first. */
  readonly username: string;
}

function staticAddresses(maas: Maas): StaticAddress[] {
  return maas.store.table<StaticAddress>("staticAddresses");
}

export function staticAddress(maas: Maas, ip: string): StaticAddress | undefined {
  return staticAddresses(maas).find((address) => address.ip === ip);
}

/** Makes those addresses of names that are not there yet, and forgets those that no name has any more. */
export function keepAddresses(maas: Maas, username: string): void {
  const used = new Set(dnsResources(maas).flatMap(({ addresses }) => addresses));
  const rows = staticAddresses(maas);
  const kept = rows.filter(({ ip }) => used.has(ip));
  for (const { ip } of kept) used.delete(ip);
  const made = [...used].map((ip) => ({ ip, created: maas.now(), username }));
  rows.splice(0, rows.length, ...kept, ...made);
}

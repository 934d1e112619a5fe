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

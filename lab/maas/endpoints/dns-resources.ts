import { isIP } from "node:net";
import { type Answer, bug, deleted, json, notFound } from "../answers.ts";
import {
  type DnsResource,
  type Domain,
  dnsResources,
  domains,
  keepAddresses,
  staticAddress,
} from "../dns.ts";
import { integer, text } from "../fields.ts";
import { dataForm } from "../forms.ts";
import type { Maas } from "../maas.ts";
import { adminMethod, type Call, idIn, type Resource } from "../resource.ts";
import { submittedText } from "../submission.ts";
import { shown as shownUser } from "./users.ts";

/*
 * maasserver/api/dnsresources.py, maasserver/forms/dnsresource.py and maasserver/models/dnsresource.py.
 */

const fields = {
  name: text(),
  address_ttl: integer({ required: false, min: 1 }),
  ip_addresses: text({ required: false }),
};

/** MAAS's name for an address that a user has set. */
const userReserved = { alloc_type: 4, alloc_type_name: "User reserved" };

export const dnsResourceResources: readonly Resource[] = [
  {
    path: "dnsresources/",
    access: "users",
    GET: ({ maas, query }) => json(filtered(maas, query).map((resource) => shown(maas, resource))),
    POST: adminMethod((call) => {
      const { maas } = call;
      const values = cleaned(call, undefined);
      const resource = { id: maas.store.nextId("dnsResources"), ...values };
      dnsResources(maas).push(resource);
      keepAddresses(maas, call.user?.username ?? "");
      return json(shown(maas, resource));
    }),
  },
  {
    path: "dnsresources/{id}/",
    access: "users",
    GET: (call) => json(shown(call.maas, resourceOf(call))),
    PUT: adminMethod((call) => {
      const resource = resourceOf(call);
      Object.assign(resource, cleaned(call, resource));
      keepAddresses(call.maas, call.user?.username ?? "");
      return json(shown(call.maas, resource));
    }),
    DELETE: adminMethod(remove),
  },
];

function remove(call: Call): Answer {
  const all = dnsResources(call.maas);
  all.splice(all.indexOf(resourceOf(call)), 1);
  keepAddresses(call.maas, call.user?.username ?? "");
  return deleted;
}

/**
 * Filters by domain or name or both. `fqdn` is used only without them. Filters by record type are not
 * supported.
 */
function filtered(maas: Maas, query: URLSearchParams): DnsResource[] {
  let domain = query.get("domain");
  let name = query.get("name");
  const fqdn = query.get("fqdn");
  let zone: Domain | undefined;
  if (domain === null && name === null && fqdn !== null) {
    const place = placeOf(maas, fqdn, undefined, undefined);
    zone = place.domain;
    name = place.name ?? null;
    domain = zone.name;
  } else if (domain !== null) {
    zone = domains(maas).find(({ id, name: called }) => String(id) === domain || called === domain);
    if (zone === undefined) throw notFound("Domain");
  }
  return dnsResources(maas)
    .filter((resource) => zone === undefined || resource.domain === zone.id)
    .filter((resource) => name === null || resource.name === name)
    .sort((one, other) => one.domain - other.domain || (one.name < other.name ? -1 : 1));
}

/** The values of a new or existing resource. */
function cleaned({ maas, data }: Call, before: DnsResource | undefined): Omit<DnsResource, "id"> {
  const place = placeOf(maas, submittedText(data, "fqdn"), submittedText(data, "domain"), before);
  const named = data &&
    place.name !== undefined && { ...data, values: new Map(data.values).set("name", one(place.name)) };
  const stored = before && {
    name: before.name,
    address_ttl: before.address_ttl ?? undefined,
    ip_addresses: before.addresses.join(" "),
  };
  const form = dataForm(fields, named || data, stored);
  const { id } = place.domain;
  const twin = dnsResources(maas).find((other) => other.domain === id && other.name === form.cleaned.name);
  if (twin !== undefined && twin !== before) {
    form.wrong("__all__", "Labels must be unique within their zone.");
  }
  const addresses = (form.cleaned.ip_addresses ?? "").split(/[,\s]+/).filter((address) => address !== "");
  const bad = addresses.find((address) => isIP(address) === 0);
  // In MAAS this is an exception of netaddr that no code catches.
  if (bad !== undefined) throw bug(`failed to detect a valid IP address from '${bad}'`);
  const { name, address_ttl } = form.valid();
  return { name, domain: id, address_ttl: address_ttl ?? null, addresses };
}

/** The domain of a name, and the name inside the domain if the FQDN was sent. */
function placeOf(
  maas: Maas,
  fqdn: string | undefined,
  domain: string | undefined,
  before: DnsResource | undefined,
): { readonly domain: Domain; readonly name?: string } {
  const all = domains(maas);
  if (domain === undefined && fqdn !== undefined) {
    const apex = all.find(({ name }) => name === fqdn);
    if (apex !== undefined) return { domain: apex, name: "@" };
    const dot = fqdn.indexOf(".");
    const zone = all.find(({ name }) => name === fqdn.slice(dot + 1));
    if (dot < 0 || zone === undefined) throw notFound("Domain");
    return { domain: zone, name: fqdn.slice(0, dot) };
  }
  const wanted = domain ?? String(before?.domain ?? 0);
  const found = all.find(({ id, name }) => String(id) === wanted || name === wanted);
  if (found === undefined) throw notFound("Domain");
  return { domain: found };
}

function one(value: string) {
  return { all: [value], one: value };
}

function resourceOf(call: Call): DnsResource {
  const id = idIn(call);
  const resource = dnsResources(call.maas).find((candidate) => candidate.id === id);
  if (resource === undefined) throw notFound("DNSResource");
  return resource;
}

function shown(maas: Maas, { id, name, domain, address_ttl, addresses }: DnsResource) {
  const zone = domains(maas).find((candidate) => candidate.id === domain)?.name ?? "";
  return {
    id,
    fqdn: name === "@" ? zone : `${name}.${zone}`,
    address_ttl,
    ip_addresses: addresses.map((ip) => shownAddress(maas, ip)),
    resource_records: [],
    resource_uri: `/MAAS/api/2.0/dnsresources/${id}/`,
  };
}

function shownAddress(maas: Maas, ip: string) {
  const address = staticAddress(maas, ip);
  const owner = address && maas.userNamed(address.username);
  return {
    created: maas.timestamp(address?.created ?? maas.now()),
    ip,
    ...userReserved,
    subnet: null,
    interface_set: [],
    owner: owner ? shownUser(owner) : null,
    resource_uri: "/MAAS/api/2.0/ipaddresses/",
  };
}

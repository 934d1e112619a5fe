import { type Answer, badRequest, bug, deleted, json, notFound } from "../answers.ts";
import { type Domain, defaultDomain, dnsResources, domains } from "../dns.ts";
import { checkbox, integer } from "../fields.ts";
import { dataForm } from "../forms.ts";
import type { Maas } from "../maas.ts";
import { zoneName } from "../network-fields.ts";
import { adminMethod, type Call, idIn, type Resource } from "../resource.ts";
import type { Submission } from "../submission.ts";

/*
 * maasserver/api/domains.py, maasserver/forms/domain.py and maasserver/models/domain.py.
 */

const fields = {
  name: zoneName(),
  authoritative: checkbox(true),
  ttl: integer({ required: false, min: 1 }),
};

export const domainResources: readonly Resource[] = [
  {
    path: "domains/",
    access: "users",
    GET: ({ maas }) => json(domains(maas).map((domain) => shown(maas, domain))),
    POST: adminMethod(create),
  },
  {
    path: "domains/{id}/",
    access: "users",
    GET: (call) => json(shown(call.maas, domainOf(call))),
    PUT: adminMethod((call) => {
      const domain = domainOf(call);
      Object.assign(domain, cleaned(call.maas, call.data, domain));
      return json(shown(call.maas, domain));
    }),
    DELETE: adminMethod(remove),
  },
];

function create({ maas, data }: Call): Answer {
  const domain = { id: maas.store.nextId("domains"), ...cleaned(maas, data, undefined) };
  domains(maas).push(domain);
  return json(shown(maas, domain));
}

function remove(call: Call): Answer {
  const { maas } = call;
  const domain = domainOf(call);
  if (domain.id === defaultDomain) {
    throw badRequest("This domain is the default domain, it cannot be deleted.");
  }
  if (dnsResources(maas).some((resource) => resource.domain === domain.id)) {
    // Django's ProtectedError: the addresses of a domain must be deleted before it.
    throw bug(
      "Cannot delete some instances of model 'Domain' because they are referenced through protected foreign keys: 'DNSResource.domain'.",
    );
  }
  domains(maas).splice(domains(maas).indexOf(domain), 1);
  return deleted;
}

function cleaned(maas: Maas, data: Submission | undefined, before: Domain | undefined): Omit<Domain, "id"> {
  const stored = before && {
    name: before.name,
    authoritative: before.authoritative,
    ttl: before.ttl ?? undefined,
  };
  const form = dataForm(fields, data, stored);
  if (domains(maas).some((other) => other !== before && other.name === form.cleaned.name)) {
    form.wrong("name", "Domain with this Name already exists.");
  }
  const { ttl, ...values } = form.valid();
  return { ...values, ttl: ttl ?? null };
}

function domainOf(call: Call): Domain {
  const id = idIn(call);
  const domain = domains(call.maas).find((one) => one.id === id);
  if (domain === undefined) throw notFound("Domain");
  return domain;
}

function shown(maas: Maas, { id, name, authoritative, ttl }: Domain) {
  const records = dnsResources(maas).filter(({ domain }) => domain === id);
  return {
    id,
    name,
    authoritative,
    ttl,
    is_default: id === defaultDomain,
    resource_record_count: records.flatMap(({ addresses }) => addresses).length,
    resource_uri: `/MAAS/api/2.0/domains/${id}/`,
  };
}

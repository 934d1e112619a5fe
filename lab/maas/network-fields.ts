import { isIP } from "node:net";
import { integer, text } from "./fields.ts";
import { type Field, Wrong } from "./forms.ts";
import { pythonRepr } from "./python.ts";

/*
 * Fields for addresses, names and ports: maasserver/fields.py, maasserver/forms/settings.py (validate_port) and
 * maasserver/utils/dns.py (validate_hostname, validate_internal_domain_name).
 */

/** `IPListFormField`: addresses, separated by commas or spaces. They are stored with spaces. */
export function addresses(): Field<string> {
  return list((address) => {
    if (isIP(address) !== 0) return;
    throw new Wrong(`Invalid IP address: ${address}; provide a list of space-separated IP addresses`);
  });
}

/**
 * `HostListFormField`: addresses and host names, separated by commas or spaces. They are stored with spaces.
 */
export function hosts(): Field<string> {
  return list((host) => {
    if (isIP(host) === 0) checkHostname(host);
  });
}

/** A name of a domain that MAAS serves. */
export function domainName(): Field<string> {
  const given = text();
  return (input) => {
    const name = given(input);
    if (!isDomainName(name)) throw new Wrong(`Invalid domain name: ${name}.`);
    return name;
  };
}

/**
 * The name of a zone. It has the errors of two validators: maasserver/models/domain.py and
 * maasserver/fields.py.
 */
export function zoneName(): Field<string> {
  const given = text();
  return (input) => {
    const name = given(input);
    if (isDomainName(name)) return name;
    const bad = name.split(".").find((label) => !/^[a-z\d-]+$/i.test(label));
    throw new Wrong(
      "Domain name contains invalid characters.",
      ...(bad ? [`Label contains disallowed characters: ${pythonRepr(bad)}.`] : []),
    );
  };
}

/** Whether a name has only valid DNS labels. */
function isDomainName(name: string): boolean {
  return (
    name.length <= 255 && name.split(".").every((label) => /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(label))
  );
}

/** A port that is reserved neither for the system nor for MAAS. */
export function port({ except }: { readonly except?: number } = {}): Field<number | undefined> {
  const given = integer();
  return (input) => {
    const number = given(input);
    if (number === undefined || number === except) return number;
    const wrong = (why: string) => new Wrong(`Unable to change port number. Port number is ${why}.`);
    if (number > 65535 || number < 0) throw wrong("not between 0 - 65535");
    if (number <= 1023) throw wrong("reserved for system services");
    if (number >= 5240 && number <= 5270) throw wrong("reserved for MAAS services");
    return number;
  };
}

function list(check: (item: string) => void): Field<string> {
  const given = text({ required: false });
  return (input) => {
    const items = given(input)
      .split(/[,\s]+/)
      .filter((item) => item !== "");
    for (const item of items) check(item);
    return items.join(" ");
  };
}

function checkHostname(hostname: string): void {
  const wrong = (why: string) => new Wrong(`Invalid hostname: ${why}`);
  if (hostname.length > 255) throw wrong("Hostname is too long.  Maximum allowed is 255 characters.");
  const labels = hostname.split(".");
  if (labels[0]?.includes("_"))
    throw wrong(`Host label cannot contain underscore: ${pythonRepr(labels[0])}.`);
  for (const label of labels) {
    if (label === "") throw wrong("DNS name contains an empty label.");
    if (label.startsWith("-") || label.endsWith("-")) {
      throw wrong(`Label cannot start or end with hyphen: ${pythonRepr(label)}.`);
    }
    if (label.length > 63) {
      throw wrong(`Name is too long: ${pythonRepr(label)}. Maximum allowed is 63 characters.`);
    }
    if (!/^[a-z0-9_-]+$/i.test(label)) {
      throw wrong(`Label contains disallowed characters: ${pythonRepr(label)}.`);
    }
  }
}

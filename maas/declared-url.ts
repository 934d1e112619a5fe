import { isIP } from "node:net";
import { z } from "zod";

/**
 * A URL that MAAS accepts. The rules are those of Django's URLValidator with at most 200 characters. They also refuse
 * some valid URLs (a host without a dot, an underscore, file://).
 */
export const maasUrl = z
  .string()
  .trim()
  .superRefine((text, context) => {
    const message = urlFault(text);
    if (message) context.addIssue({ code: "custom", message });
  });

/** The same for a stream, whose files MAAS fetches below the URL with http or https. */
export const maasStreamUrl = z.string().superRefine((text, context) => {
  const message = /^https?:\/\/[^\s?#]+$/.test(text)
    ? urlFault(text)
    : "is not an http or https URL of a stream";
  if (message) context.addIssue({ code: "custom", message });
});

/**
 * Why MAAS would refuse a URL with this host; undefined if it would not.
 *
 * @param host A name or an address; an IPv6 address with or without brackets.
 */
export function hostFault(host: string): string | undefined {
  const plain = host.replace(/^\[(.*)\]$/, "$1");
  if (plain === "localhost" || isIP(plain)) return undefined;
  if (plain.includes("_")) return "has an underscore in its host name, which MAAS refuses";
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+\.?$/i.test(plain)) {
    return "names a host without a dot, which MAAS refuses: use its full name or its address";
  }
  return undefined;
}

function urlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^(https?|ftps?):$/.test(url.protocol) || !/^\w+:\/\/[^/]/.test(text) || /\s/.test(text)) {
    return "is not a URL that MAAS accepts: use e.g. http://mirror.dc1.example/ubuntu";
  }
  if (text.length > 200) return `has ${text.length} characters, and MAAS accepts at most 200`;
  if (url.port.length === 1) return "names a port of one digit, which MAAS refuses";
  if (url.username || url.password)
    return "contains credentials, which other users can see in MAAS: let the server identify MAAS by its address";
  return hostFault(url.hostname);
}

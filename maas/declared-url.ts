import { isIP } from "node:net";
import { z } from "zod";

/**
 * A URL that MAAS takes: its rules are those of Django's URLValidator with 200 characters at most, and refuse what
 * one would expect to work (a host without a dot, an underscore, file://).
 */
export const maasUrl = z
  .string()
  .trim()
  .superRefine((text, context) => {
    const fault = faultOf(text);
    if (fault) context.addIssue({ code: "custom", message: fault });
  });

function faultOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^(https?|ftps?):$/.test(url.protocol) || !/^\w+:\/\/[^/]/.test(text) || /\s/.test(text)) {
    return "is not a URL as MAAS takes it: use e.g. http://mirror.dc1.example/ubuntu";
  }
  if (text.length > 200) return `has ${text.length} characters, and MAAS takes 200 at most`;
  if (url.port.length === 1) return "names a port of one digit, which MAAS refuses";
  if (url.username || url.password)
    return "has credentials in it, which MAAS shows and hands to machines: let the server know MAAS by its address";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "localhost" || isIP(host)) return undefined;
  if (host.includes("_")) return "has an underscore in its host's name, which MAAS refuses";
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+\.?$/i.test(host)) {
    return "names a host without a dot, which MAAS refuses: use its full name or its address";
  }
  return undefined;
}

import { Wrong } from "./forms.ts";

/*
 * Django 3.2's URLField and URLValidator (django/forms/fields.py, django/core/validators.py).
 */

const wrong = "Enter a valid URL.";
const schemes = ["http", "https", "ftp", "ftps"];

const letters = "\\u00a1-\\uffff";
const octet = "(?:25[0-5]|2[0-4]\\d|[0-1]?\\d?\\d)";
const ipv4 = `${octet}(?:\\.${octet}){3}`;
const ipv6 = "\\[[0-9a-f:.]+\\]";
const label = `[a-z${letters}0-9](?:[a-z${letters}0-9-]{0,61}[a-z${letters}0-9])?`;
const domain = `(?:\\.(?!-)[a-z${letters}0-9-]{1,63}(?<!-))*`;
const topLevel = `\\.(?!-)(?:[a-z${letters}-]{2,63}|xn--[a-z0-9]{1,59})(?<!-)\\.?`;
const host = `(?:${label}${domain}${topLevel}|localhost)`;
const pattern = new RegExp(
  `^(?:[a-z0-9.\\-+]*)://(?:[^\\s:@/]+(?::[^\\s:@/]*)?@)?(?:${ipv4}|${ipv6}|${host})(?::\\d{2,5})?(?:[/?#][^\\s]*)?$`,
  "i",
);

/** The normalized URL of a text, as Django makes it. Throws a `Wrong` for an invalid or too long one. */
export function djangoUrl(text: string, maxLength = 200): string {
  const url = withScheme(text);
  const faults = [
    ...(url.length > maxLength
      ? [`Ensure this value has at most ${maxLength} characters (it has ${url.length}).`]
      : []),
    ...(isUrl(url) ? [] : [wrong]),
  ];
  if (faults.length > 0) throw new Wrong(...faults);
  return url;
}

function isUrl(url: string): boolean {
  const [scheme = ""] = url.split("://");
  if (!schemes.includes(scheme.toLowerCase()) || /[\t\r\n]/.test(url)) return false;
  const hostname = /^[^:]+:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^:/?#]*)/.exec(url)?.[1] ?? "";
  return pattern.test(url) && hostname.length <= 253;
}

/** Like Python's `urlsplit`: `mirror.internal:80` has the scheme `mirror.internal`, so no scheme is added. */
function withScheme(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  if (scheme !== undefined) {
    const rest = text.slice(scheme.length + 1);
    return rest.startsWith("//") ? text : `${scheme.toLowerCase()}://${rest}`;
  }
  return text.startsWith("//") ? `http:${text}` : `http://${text}`;
}

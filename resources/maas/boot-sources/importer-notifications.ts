import { withoutSlash } from "../../../maas/boot-sources/state.ts";
import type { MaasReader } from "../../../maas/client.ts";
import { listBootSources } from "../../../maas/operations/boot-sources.ts";
import { listNotifications } from "../../../maas/operations/notifications.ts";

/** The errors of MAAS's image importer. */
interface ImporterErrors {
  /** Errors about the given sources; empty if there are none. */
  readonly ours: string;
  /** All errors. */
  readonly all: string;
}

/** @param urls URLs of the declared sources: an error of another source says nothing about them. */
export async function importerErrors(reader: MaasReader, urls: readonly string[]): Promise<ImporterErrors> {
  const complaints = (await listNotifications(reader)).filter(
    ({ ident, category, message }) =>
      (category === "error" || category === "warning") &&
      (/image importer/i.test(ident) || /boot (source|resource)|import images/i.test(message)),
  );
  const lines = complaints.flatMap(({ message }) => linesOf(message));
  const others = lines.length > 0 ? (await listBootSources(reader)).map(({ url }) => url) : [];
  const ours = new Set(urls.map(withoutSlash));
  const places = [...new Set([...urls, ...others].map(withoutSlash))].sort(byLengthDown);
  const isOurs = (line: string) => {
    const source = sourceIn(line, places);
    return source !== undefined && ours.has(source);
  };
  return { ours: lines.filter(isOurs).join("; "), all: lines.join("; ") };
}

/** The source of an error, by the first URL in it. If one URL is below another, the longer one counts. */
function sourceIn(line: string, places: readonly string[]): string | undefined {
  const [url = ""] = /https?:\/\/[^\s"'<>]+/.exec(line) ?? [];
  const named = withoutSlash(url.replace(/[:,.;)]+$/, ""));
  return places.find((place) => named === place || named.startsWith(`${place}/`));
}

function byLengthDown(one: string, other: string): number {
  return other.length - one.length;
}

const entities: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
  "&#39;": "'",
  "&amp;": "&",
};

/** Notifications contain HTML, with one error per line. */
function linesOf(message: string): string[] {
  return message.split(/<br\s*\/?>/i).flatMap((line) => {
    const text = line
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/&(lt|gt|quot|#x27|#39|amp);/g, (entity) => entities[entity] ?? entity)
      .replaceAll(/\s+/g, " ")
      .trim();
    return text ? [text] : [];
  });
}

import { withoutSlash } from "../../../maas/boot-sources/state.ts";
import type { MaasReader } from "../../../maas/client.ts";
import { listBootSources } from "../../../maas/operations/boot-sources.ts";
import { listNotifications } from "../../../maas/operations/notifications.ts";

/** What MAAS's image importer complains of. */
interface ImporterErrors {
  /** Of the given sources; empty where it does not. */
  readonly ours: string;
  /** Of whatever it is. */
  readonly all: string;
}

/** @param urls of the sources that are ours: a complaint of another one says nothing about them. */
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

/** The source that a complaint is about, by the first URL in it; of one below another the longer. */
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

/** Notifications hold HTML: one complaint a line. */
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

/**
 * The date of a Release file or of a simplestreams index, e.g. `Mon, 23 Nov 2026 06:06:27 +0000`. Only the one form
 * that these use: days and years cannot be mistaken in it. Undefined for anything else.
 */
export function signedDate(text: unknown): Date | undefined {
  if (
    typeof text !== "string" ||
    !/^([A-Z][a-z]{2}, +)?\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d\d:\d\d (UTC|GMT|[+]0000)$/.test(text)
  )
    return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** A time span as people say it: `5 minutes`, `30 hours`, `12 days`. */
export function spanOf(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000);
  if (hours < 1) return `${Math.max(1, Math.round(milliseconds / 60_000))} minutes`;
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}

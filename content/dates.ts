const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/*
 * The date formats of apt (RFC1123StrToTime in apt-pkg/contrib/strutl.cc): RFC 1123, which Release files and streams
 * have, RFC 850, and asctime(3). Any number of blanks separates the parts: Launchpad pads the hour with one.
 */
const weekday = "(?:sun|mon|tue|wed|thu|fri|sat)";
const time = "(\\d{1,2}):(\\d{1,2}):(\\d{1,2})";
const zone = "(?:GMT|UTC|Z|[+-]?0+)";
const rfc1123 = new RegExp(
  `^(?:${weekday},\\s+)?(\\d{1,2})\\s+([a-z]{3})\\s+(\\d{4})\\s+${time}\\s+${zone}$`,
  "i",
);
const rfc850 = new RegExp(`^${weekday}[a-z]+,\\s+(\\d{1,2})-([a-z]{3})-(\\d{2})\\s+${time}\\s+${zone}$`, "i");
const asctime = new RegExp(`^${weekday}\\s+([a-z]{3})\\s+(\\d{1,2})\\s+${time}\\s+(\\d{4})$`, "i");

/**
 * The date of a Release file or of a simplestreams index, e.g. `Mon, 23 Nov 2026  6:06:27 +0000`: any date that apt
 * accepts, in UTC. Undefined for other texts and for invalid dates (31 Feb, hour 25).
 */
export function signedDate(text: unknown): Date | undefined {
  if (typeof text !== "string" || text.length > 100) return undefined;
  const trimmed = text.trim();
  const usual = rfc1123.exec(trimmed);
  if (usual) return dateOf(usual[3], usual[2], usual[1], usual.slice(4));
  const dashed = rfc850.exec(trimmed);
  // apt adds 1900 to every year of two digits.
  if (dashed) return dateOf(`19${dashed[3]}`, dashed[2], dashed[1], dashed.slice(4));
  const c = asctime.exec(trimmed);
  if (c) return dateOf(c[6], c[1], c[2], c.slice(3, 6));
  return undefined;
}

function dateOf(
  year: string | undefined,
  monthName: string | undefined,
  day: string | undefined,
  clock: readonly string[],
): Date | undefined {
  const month = months.indexOf((monthName ?? "").toLowerCase());
  const [hours = 0, minutes = 0, seconds = 0] = clock.map(Number);
  // A leap second counts as the first second of the next minute, as in timegm(3).
  if (month < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), month, Number(day));
  if (date.getUTCMonth() !== month || date.getUTCDate() !== Number(day)) return undefined;
  date.setUTCHours(hours, minutes, seconds);
  return date;
}

/** A time span for messages: `5 minutes`, `30 hours`, `12 days`. */
export function spanOf(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000);
  if (hours < 1) return `${Math.max(1, Math.round(milliseconds / 60_000))} minutes`;
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}

/** MAAS refuses requests that were signed this many seconds before its own time (oauth's timestamp_threshold). */
const maximumSecondsBehind = 300;

/**
 * How many seconds MAAS's clock is ahead of the local one, from an answer that refused a timestamp. MAAS gives both
 * times in the refusal; if its text differs, the Date header is used.
 *
 * @returns undefined if the clocks are not the reason.
 */
export function secondsAhead(
  body: string,
  dateHeader: string | undefined,
  ourSeconds: number,
): number | undefined {
  const [, maasTime] = /Expired timestamp: given \d+ and now (\d+)/.exec(body) ?? [];
  if (maasTime) return Number(maasTime) - ourSeconds;
  const ahead = Date.parse(dateHeader ?? "") / 1000 - ourSeconds;
  return ahead > maximumSecondsBehind ? ahead : undefined;
}

/** `10 minutes`, `40 seconds`. */
export function durationText(seconds: number): string {
  const size = Math.abs(Math.round(seconds));
  return size < 120 ? `${size} seconds` : `${Math.round(size / 60)} minutes`;
}

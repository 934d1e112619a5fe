/** MAAS refuses what was signed this much before its own time (oauth's timestamp_threshold, in seconds). */
export const mostSecondsBehind = 300;

/**
 * How many seconds MAAS's clock is ahead of ours, from an answer that refused what we signed. MAAS says both times in
 * the refusal; where its words differ, the Date header tells.
 *
 * @returns undefined where the clocks are not what is wrong
 */
export function secondsAhead(
  body: string,
  dateHeader: string | undefined,
  ourSeconds: number,
): number | undefined {
  const [, said] = /Expired timestamp: given \d+ and now (\d+)/.exec(body) ?? [];
  if (said) return Number(said) - ourSeconds;
  const ahead = Date.parse(dateHeader ?? "") / 1000 - ourSeconds;
  return ahead > mostSecondsBehind ? ahead : undefined;
}

/** `10 minutes`, `40 seconds`. */
export function durationText(seconds: number): string {
  const size = Math.abs(Math.round(seconds));
  return size < 120 ? `${size} seconds` : `${Math.round(size / 60)} minutes`;
}

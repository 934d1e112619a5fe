/**
 * A date in the format of Launchpad in Ubuntu's Release files. The hour is padded with a blank: `Sat, 28 Nov 2026  6:49:15 UTC`.
 *
 * @param zone `UTC`, or `+0000` as in streams
 */
export function launchpadDate(date: Date, zone: "UTC" | "+0000" = "UTC"): string {
  return date
    .toUTCString()
    .replace(/ 0(\d:)/, "  $1")
    .replace("GMT", zone);
}

/** An early hour of the day before, so that the first publication has an hour of one digit. */
export function earlyYesterday(): Date {
  return new Date(new Date(Date.now() - 86_400_000).setUTCHours(6, 49, 15, 0));
}

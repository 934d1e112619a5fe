import { describe, expect, test } from "@jest/globals";
import { signedDate } from "../../../content/dates.ts";
import { launchpadDate } from "../../../lab/archive/launchpad-date.ts";

describe("the date of a Release or a stream", () => {
  test.each([
    ["with Launchpad's padding", "Sat, 28 Nov 2026  6:49:15 UTC", "2026-11-28T06:49:15.000Z"],
    ["in Debian's format", "Sat, 28 Nov 2026 06:49:15 UTC", "2026-11-28T06:49:15.000Z"],
    ["in the format of streams", "Mon, 23 Nov 2026 06:06:27 +0000", "2026-11-23T06:06:27.000Z"],
    ["in GMT", "Mon, 23 Nov 2026 06:06:27 GMT", "2026-11-23T06:06:27.000Z"],
    ["with the zone Z", "Mon, 23 Nov 2026 06:06:27 Z", "2026-11-23T06:06:27.000Z"],
    ["with the offset -0000", "Mon, 23 Nov 2026 06:06:27 -0000", "2026-11-23T06:06:27.000Z"],
    ["with a padded day", "Sun,  1 Nov 2026 6:06:27 UTC", "2026-11-01T06:06:27.000Z"],
    ["in the format of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
    ["in the format of asctime", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37.000Z"],
    ["with a leap second", "Sat, 31 Dec 2016 23:59:60 UTC", "2017-01-01T00:00:00.000Z"],
    ["on 29 February of a leap year", "Thu, 29 Feb 2024 00:00:00 UTC", "2024-02-29T00:00:00.000Z"],
    ["with white space around it", " Sat, 28 Nov 2026 6:49:15 UTC\r", "2026-11-28T06:49:15.000Z"],
  ])("is read %s", (_, text, iso) => {
    expect(signedDate(text)?.toISOString()).toBe(iso);
  });

  test.each([
    ["31 February", "Sat, 31 Feb 2026 06:49:15 UTC"],
    ["29 February of a common year", "Sun, 29 Feb 2026 06:49:15 UTC"],
    ["day 0", "Sat, 00 Nov 2026 06:49:15 UTC"],
    ["hour 25", "Sat, 28 Nov 2026 25:49:15 UTC"],
    ["hour 24", "Sat, 28 Nov 2026 24:00:00 UTC"],
    ["minute 60", "Sat, 28 Nov 2026 06:60:15 UTC"],
    ["an unknown month", "Sat, 28 Nox 2026 06:49:15 UTC"],
    ["an offset other than zero", "Sat, 28 Nov 2026 06:49:15 +0100"],
    ["the zone CET", "Sat, 28 Nov 2026 06:49:15 CET"],
    ["no zone", "Sat, 28 Nov 2026 06:49:15"],
    ["text after it", "Sat, 28 Nov 2026 06:49:15 UTC tomorrow"],
    ["no time", "Sat, 28 Nov 2026"],
    ["a year of two digits", "Sat, 28 Nov 26 06:49:15 UTC"],
    ["the format of ISO 8601", "2026-11-28T06:49:15Z"],
    ["a word instead of a date", "yesterday"],
    ["an empty text", ""],
    ["a number instead of a text", 1_700_000_000],
    ["100,000 blanks", `Sat,${" ".repeat(100_000)}28 Nov 2026 06:49:15 UTC`],
  ])("is invalid with %s", (_, text) => {
    expect(signedDate(text)).toBeUndefined();
  });
});

test("the lab writes dates in Launchpad's format", () => {
  expect(launchpadDate(new Date("2026-11-28T06:49:15Z"))).toBe("Sat, 28 Nov 2026  6:49:15 UTC");
  expect(launchpadDate(new Date("2026-11-28T16:49:15Z"), "+0000")).toBe("Sat, 28 Nov 2026 16:49:15 +0000");
});

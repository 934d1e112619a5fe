import { describe, expect, test } from "@jest/globals";
import { signedDate } from "../../../content/dates.ts";
import { launchpadDate } from "../../../lab/archive/launchpad-date.ts";

describe("the date of a Release or a stream", () => {
  test.each([
    ["as Launchpad pads it", "Sat, 28 Nov 2026  6:49:15 UTC", "2026-11-28T06:49:15.000Z"],
    ["as Debian has it", "Sat, 28 Nov 2026 06:49:15 UTC", "2026-11-28T06:49:15.000Z"],
    ["as streams have it", "Mon, 23 Nov 2026 06:06:27 +0000", "2026-11-23T06:06:27.000Z"],
    ["in GMT", "Mon, 23 Nov 2026 06:06:27 GMT", "2026-11-23T06:06:27.000Z"],
    ["in Z", "Mon, 23 Nov 2026 06:06:27 Z", "2026-11-23T06:06:27.000Z"],
    ["with minus nothing", "Mon, 23 Nov 2026 06:06:27 -0000", "2026-11-23T06:06:27.000Z"],
    ["with a day padded", "Sun,  1 Nov 2026 6:06:27 UTC", "2026-11-01T06:06:27.000Z"],
    ["of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
    ["of asctime", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37.000Z"],
    ["with a leap second", "Sat, 31 Dec 2016 23:59:60 UTC", "2017-01-01T00:00:00.000Z"],
    ["of a leap year", "Thu, 29 Feb 2024 00:00:00 UTC", "2024-02-29T00:00:00.000Z"],
    ["with blanks around", " Sat, 28 Nov 2026 6:49:15 UTC\r", "2026-11-28T06:49:15.000Z"],
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
    ["another month", "Sat, 28 Nox 2026 06:49:15 UTC"],
    ["another zone", "Sat, 28 Nov 2026 06:49:15 +0100"],
    ["a zone by name", "Sat, 28 Nov 2026 06:49:15 CET"],
    ["no zone", "Sat, 28 Nov 2026 06:49:15"],
    ["more behind it", "Sat, 28 Nov 2026 06:49:15 UTC tomorrow"],
    ["no time", "Sat, 28 Nov 2026"],
    ["a year of two digits", "Sat, 28 Nov 26 06:49:15 UTC"],
    ["ISO 8601", "2026-11-28T06:49:15Z"],
    ["words", "yesterday"],
    ["nothing", ""],
    ["a number", 1_700_000_000],
    ["blanks without end", `Sat,${" ".repeat(100_000)}28 Nov 2026 06:49:15 UTC`],
  ])("is none with %s", (_, text) => {
    expect(signedDate(text)).toBeUndefined();
  });
});

test("the lab writes dates as Launchpad does", () => {
  expect(launchpadDate(new Date("2026-11-28T06:49:15Z"))).toBe("Sat, 28 Nov 2026  6:49:15 UTC");
  expect(launchpadDate(new Date("2026-11-28T16:49:15Z"), "+0000")).toBe("Sat, 28 Nov 2026 16:49:15 +0000");
});

import { describe, expect, test } from "@jest/globals";
import { streamLocation } from "../../../../content/simplestreams/location.ts";

describe("the URL of a stream", () => {
  test.each([
    "http://images.maas.io/ephemeral-v3/stable",
    "http://images.maas.io/ephemeral-v3/stable/",
    "http://images.maas.io/ephemeral-v3/stable//",
    "http://images.maas.io/ephemeral-v3/stable/streams/v1/",
    "http://images.maas.io/ephemeral-v3/stable/streams/v1/index.sjson",
  ])("in the form %s has the same location as the other forms", (url) => {
    expect(streamLocation(url)).toEqual({
      base: "http://images.maas.io/ephemeral-v3/stable",
      index: "streams/v1/index.sjson",
      signed: true,
    });
  });

  test("without a path has the host as its base", () => {
    expect(streamLocation("https://images.test:8443").base).toBe("https://images.test:8443");
  });

  test("is accepted for index.json only with signed: false, and for index.sjson only without it", () => {
    const url = "http://images.test/streams/v1/index.json";
    expect(() => streamLocation(url)).toThrow(/may have been replaced on the way/);
    expect(streamLocation(url, false)).toEqual({
      base: "http://images.test",
      index: "streams/v1/index.json",
      signed: false,
    });
    expect(() => streamLocation("http://images.test/streams/v1/index.sjson", false)).toThrow(
      /but signed is false/,
    );
  });

  test.each([
    ["http://images.test/streams/v1/com.ubuntu.maas:stable:v3:download.sjson", /not the stream's index/],
    ["http://images.test/streams/v1/other.json", /not the stream's index/],
    ["ftp://images.test/", /not an http or https URL/],
    ["http://images.test/?x=1", /not an http or https URL/],
    ["images.test/stable", /not an http or https URL/],
  ])("%s is refused", (url, message) => {
    expect(() => streamLocation(url)).toThrow(message);
  });
});

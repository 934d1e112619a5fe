import { describe, expect, test } from "@jest/globals";
import { streamLocation } from "../../../../content/simplestreams/location.ts";

describe("the URL of a stream", () => {
  test.each([
    "http://images.maas.io/ephemeral-v3/stable",
    "http://images.maas.io/ephemeral-v3/stable/",
    "http://images.maas.io/ephemeral-v3/stable//",
    "http://images.maas.io/ephemeral-v3/stable/streams/v1/",
    "http://images.maas.io/ephemeral-v3/stable/streams/v1/index.sjson",
  ])("%s means the same as the others", (url) => {
    expect(streamLocation(url)).toEqual({
      base: "http://images.maas.io/ephemeral-v3/stable",
      index: "streams/v1/index.sjson",
      signed: true,
    });
  });

  test("of a host alone is the root", () => {
    expect(streamLocation("https://images.test:8443").base).toBe("https://images.test:8443");
  });

  test("is of the unsigned index only when that is said", () => {
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

import { describe, expect, test } from "@jest/globals";
import type { MaasReader } from "../../../../maas/client.ts";
import { importerErrors } from "../../../../resources/maas/boot-sources/importer-notifications.ts";

const ours = ["http://mirror.dc1/images/", "http://mirror.dc1/custom/rocky9/"];

/** A MAAS with these notifications, and with these sources in addition to ours. */
function maas(messages: readonly string[], others: readonly string[] = []): MaasReader {
  const rows: Record<string, object[]> = {
    "notifications/": messages.map((message, id) => ({
      id,
      ident: "Image importer",
      category: "error",
      message,
    })),
    "boot-sources/": [...ours, ...others].map((url, id) => ({ id, url })),
  };
  return { get: async (path) => rows[path] };
}

const complaint = (url: string) => `Failed to import images from ${url}: 404 Client Error`;

describe("an error of MAAS's importer", () => {
  test.each([
    ["about our source is ours", [complaint("http://mirror.dc1/images/")], true],
    [
      "about our source, stored without its final slash, is ours",
      [complaint("http://mirror.dc1/images")],
      true,
    ],
    [
      "about a file of our source is ours",
      ["Failed: 404 for url: http://mirror.dc1/images/streams/v1/index.sjson"],
      true,
    ],
    ["about another source is not ours", [complaint("http://images.maas.io/ephemeral-v3/stable/")], false],
    [
      "about a source whose URL only begins like ours is not ours",
      [complaint("http://mirror.dc1/images-old/")],
      false,
    ],
    ["about a source below ours is not ours", [complaint("http://mirror.dc1/images/theirs/")], false],
    ["without a URL is not ours", ["Failed to import images: no room"], false],
    [
      "about two sources, one of them ours, is ours",
      [`${complaint("http://images.maas.io/")}<br>${complaint("http://mirror.dc1/custom/rocky9/")}`],
      true,
    ],
  ])("%s", async (_, messages, isOurs) => {
    const others = ["http://mirror.dc1/images-old/", "http://mirror.dc1/images/theirs/"];
    const errors = await importerErrors(maas(messages, others), ours);
    expect(errors.ours !== "").toBe(isOurs);
    expect(errors.all).toContain("Failed");
    expect(errors.ours).not.toContain("images.maas.io");
  });

  test("is shown as text, not as HTML", async () => {
    const errors = await importerErrors(
      maas(["Failed to import images from http://a.b/ (&#x27;x&amp;y&#x27;)<br>"]),
      [],
    );
    expect(errors.all).toBe("Failed to import images from http://a.b/ ('x&y')");
  });
});

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

describe("of what MAAS's importer complains", () => {
  test.each([
    ["a source of ours", [complaint("http://mirror.dc1/images/")], true],
    ["one that MAAS stored without its slash", [complaint("http://mirror.dc1/images")], true],
    ["a file of ours", ["Failed: 404 for url: http://mirror.dc1/images/streams/v1/index.sjson"], true],
    ["another source", [complaint("http://images.maas.io/ephemeral-v3/stable/")], false],
    ["one whose name begins as ours does", [complaint("http://mirror.dc1/images-old/")], false],
    ["one that lies below ours", [complaint("http://mirror.dc1/images/theirs/")], false],
    ["nothing that it names", ["Failed to import images: no room"], false],
    [
      "two, one of them ours",
      [`${complaint("http://images.maas.io/")}<br>${complaint("http://mirror.dc1/custom/rocky9/")}`],
      true,
    ],
  ])("%s", async (_, messages, isOurs) => {
    const others = ["http://mirror.dc1/images-old/", "http://mirror.dc1/images/theirs/"];
    const said = await importerErrors(maas(messages, others), ours);
    expect(said.ours !== "").toBe(isOurs);
    expect(said.all).toContain("Failed");
    expect(said.ours).not.toContain("images.maas.io");
  });

  test("is said as a text, not as HTML", async () => {
    const said = await importerErrors(
      maas(["Failed to import images from http://a.b/ (&#x27;x&amp;y&#x27;)<br>"]),
      [],
    );
    expect(said.all).toBe("Failed to import images from http://a.b/ ('x&y')");
  });
});

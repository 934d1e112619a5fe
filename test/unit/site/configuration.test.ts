import { afterEach, expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { readSite } from "../../../site/configuration.ts";

afterEach(() => pulumi.runtime.setAllConfig({}));

/** What is said of a stack's configuration. */
function saidOf(maas: unknown): string {
  pulumi.runtime.setAllConfig({ "dc:maas": JSON.stringify(maas) });
  try {
    readSite("dc", "north");
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("a wrong value is shown with its place in the stack's file, unless it is a secret", () => {
  const said = saidOf({
    region: { host: "-maas", apiKey: "a:wrong:key:of four" },
    settings: { settings: { http_proxy: "http://name:word@proxy", dnssec_validation: "off" } },
  });
  expect(said).toContain(
    'Pulumi.north.yaml: dc:maas.region.host: "-maas" is not a name one could type after ssh',
  );
  expect(said).toContain('dc:maas.settings.settings.dnssec_validation: "off" ');
  expect(said).toContain("dc:maas.region.apiKey: is not an API key of MAAS");
  expect(said).toContain("dc:maas.settings.settings.http_proxy: ");
  expect(said).not.toMatch(/wrong|word/);
});

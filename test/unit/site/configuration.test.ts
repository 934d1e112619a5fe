import { afterEach, expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { readSite } from "../../../site/configuration.ts";

afterEach(() => pulumi.runtime.setAllConfig({}));

/** The errors of a stack's configuration. */
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

test.each([
  "https://user:hidden@a.example/u",
  "https://user:hid/den@a.example/u",
  "https://user:hid#den@a.example/u",
  "https://hidden@a.example/u",
  "user:hidden@a.example/u",
  "hidden@a.example",
  "https://a.example/u?token=hidden",
  "https:/user:hidden@a.example",
])("of an upstream's address that says who asks (%#) nothing secret is shown, and the way out is", (url) => {
  const upstream = { url, proxy: { url } };
  const said = (room: string, mirror: object) => {
    pulumi.runtime.setAllConfig({
      [`dc:${room}`]: JSON.stringify({ m: { host: "h", upstream, ...mirror } }),
    });
    try {
      readSite("dc", "north");
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const both = [
    said("aptMirrors", { suites: ["noble"] }),
    said("imageMirrors", { images: [{ os: "ubuntu", releases: ["noble"] }] }),
  ];
  for (const text of both) {
    expect(text).not.toMatch(/hid|den\b/);
    expect(text).toMatch(/upstream\.url: .*(upstream\.credentials|without a|is not an http or https URL)/);
    expect(text).toMatch(/upstream\.proxy\.url: .*upstream\.proxy\.credentials/);
    expect(text).not.toMatch(/pulumi config set .*url/);
  }
});

test.each<[string, object]>([
  ["name and password in one", { upstream: { credentials: "name:hidden" } }],
  ["a token alone", { upstream: { credentials: "hidden" } }],
  ["a password beside the name", { upstream: { credentials: { username: "name:hidden", password: "x" } } }],
  ["name and password of a proxy", { upstream: { proxy: { url: "http://p", credentials: "name:hidden" } } }],
  ["a key in place of both", { serve: { tls: "hidden" } }],
  ["a key's text in place of both", { upstream: { clientCertificate: "hidden" } }],
])("where a secret belongs, nothing of what came instead is shown: %s", (_, mirror) => {
  pulumi.runtime.setAllConfig({
    "dc:aptMirrors": JSON.stringify({ m: { host: "h", suites: ["noble"], ...mirror } }),
  });
  expect(() => readSite("dc", "north")).toThrow(/^(?!.*hidden).*aptMirrors\.m\.(upstream|serve)\./s);
});

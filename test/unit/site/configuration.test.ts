import { afterEach, expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { readSite } from "../../../site/configuration.ts";

afterEach(() => pulumi.runtime.setAllConfig({}));

/** The errors of a stack's configuration. */
function errorOf(maas: unknown): string {
  pulumi.runtime.setAllConfig({ "dc:maas": JSON.stringify(maas) });
  try {
    readSite("dc", "north");
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("a wrong value is shown with its place in the stack file, unless it is a secret", () => {
  const message = errorOf({
    region: { host: "-maas", apiKey: "a:wrong:key:of four" },
    settings: { settings: { http_proxy: "http://name:word@proxy", dnssec_validation: "off" } },
  });
  expect(message).toContain(
    'Pulumi.north.yaml: dc:maas.region.host: "-maas" is not a name one could type after ssh',
  );
  expect(message).toContain('dc:maas.settings.settings.dnssec_validation: "off" ');
  expect(message).toContain("dc:maas.region.apiKey: is not an API key of MAAS");
  expect(message).toContain("dc:maas.settings.settings.http_proxy: ");
  expect(message).not.toMatch(/wrong|word/);
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
])("an upstream URL with credentials (%#) is refused: the error shows a remedy and no secret", (url) => {
  const upstream = { url, proxy: { url } };
  const message = (kind: string, mirror: object) => {
    pulumi.runtime.setAllConfig({
      [`dc:${kind}`]: JSON.stringify({ m: { host: "h", upstream, ...mirror } }),
    });
    try {
      readSite("dc", "north");
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const both = [
    message("aptMirrors", { suites: ["noble"] }),
    message("imageMirrors", { images: [{ os: "ubuntu", releases: ["noble"] }] }),
  ];
  for (const text of both) {
    expect(text).not.toMatch(/hid|den\b/);
    expect(text).toMatch(/upstream\.url: .*(upstream\.credentials|without a|is not an http or https URL)/);
    expect(text).toMatch(/upstream\.proxy\.url: .*upstream\.proxy\.credentials/);
    expect(text).not.toMatch(/pulumi config set .*url/);
  }
});

test.each<[string, object]>([
  ["name and password in one text", { upstream: { credentials: "name:hidden" } }],
  ["a token alone", { upstream: { credentials: "hidden" } }],
  ["a password in the name", { upstream: { credentials: { username: "name:hidden", password: "x" } } }],
  ["name and password of a proxy", { upstream: { proxy: { url: "http://p", credentials: "name:hidden" } } }],
  ["a text in place of certificate and key", { serve: { tls: "hidden" } }],
  ["a text in place of client certificate and key", { upstream: { clientCertificate: "hidden" } }],
])("the error does not show a wrong value in the place of a secret: %s", (_, mirror) => {
  pulumi.runtime.setAllConfig({
    "dc:aptMirrors": JSON.stringify({ m: { host: "h", suites: ["noble"], ...mirror } }),
  });
  expect(() => readSite("dc", "north")).toThrow(/^(?!.*hidden).*aptMirrors\.m\.(upstream|serve)\./s);
});

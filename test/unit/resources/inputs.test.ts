import { describe, expect, test } from "@jest/globals";
import { packages } from "../../../resources/host/packages.ts";
import { services } from "../../../resources/host/services.ts";
import { signingKey } from "../../../resources/host/signing-key.ts";
import { check } from "../../../resources/kernel/check.ts";
import type { Json } from "../../../resources/kernel/definition.ts";
import { unknown } from "../../../resources/kernel/unknown-values.ts";
import { handler } from "../../../resources/provider.ts";

type Given = Record<string, Json>;

test("each kind of resource has a handler under the name that is stored in the state", () => {
  for (const kind of ["Files", "Packages", "Services", "SigningKey"]) expect(handler(kind)).toBeDefined();
});

describe("Packages", () => {
  test("accept names, each with `installed` or a version", () => {
    const declared = {
      host: "mirror",
      packages: { nginx: "installed", "g++-12": "12.2.0-14+deb12u1", git: "1:2.39.5-0" },
    };
    expect(check(packages.inputs, declared)).toEqual({ inputs: declared, failures: [] });
  });

  test.each<[Given, string, RegExp]>([
    [{ packages: { Nginx: "installed" } }, "packages.Nginx", /name of a Debian package/],
    [{ packages: { "nginx:amd64": "installed" } }, 'packages["nginx:amd64"]', /name of a Debian package/],
    [{ packages: { "--purge": "installed" } }, 'packages["--purge"]', /name of a Debian package/],
    [{ packages: { nginx: "latest" } }, "packages.nginx", /exact version/],
    [{ packages: { nginx: "1.0 --purge" } }, "packages.nginx", /exact version/],
    [{}, "packages", /must be a group of names/],
  ])("refuse %j", (given, property, reason) => {
    const { failures } = check(packages.inputs, { host: "mirror", ...given });
    expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
  });
});

describe("Services", () => {
  test("are running and enabled by default", () => {
    const { inputs, failures } = check(services.inputs, {
      host: "mirror",
      services: { "nginx.service": {} },
    });
    expect(failures).toEqual([]);
    expect(inputs.services).toEqual({
      "nginx.service": { enabled: true, running: true, dropIns: {}, reloadOn: {}, restartOn: {} },
    });
  });

  test("accept a digest that is not known yet", () => {
    const declared = { host: "mirror", services: { "nginx.service": { reloadOn: { "/etc/a": unknown } } } };
    expect(check(services.inputs, declared).failures).toEqual([]);
  });

  test.each<[Given, string, RegExp]>([
    [{ nginx: {} }, "services.nginx", /full name of a systemd unit/],
    [{ "../x.service": {} }, 'services["../x.service"]', /full name of a systemd unit/],
    [{ "a b.service": {} }, 'services["a b.service"]', /full name of a systemd unit/],
    [
      { "a.service": { dropIns: { "../x.conf": "" } } },
      'services["a.service"].dropIns["../x.conf"]',
      /ends in \.conf/,
    ],
    [{ "a.service": { dropIns: { limits: "" } } }, 'services["a.service"].dropIns.limits', /ends in \.conf/],
    [
      { "a.service": { reloadOn: { "etc/a": "0".repeat(64) } } },
      'services["a.service"].reloadOn["etc/a"]',
      /absolute/,
    ],
    [{ "a.service": { restartOn: { "/a": "content" } } }, 'services["a.service"].restartOn["/a"]', /sha256/],
    [{ "a.service": { unit: "" } }, 'services["a.service"].unit', /be the text of a unit file/],
    [{ "a.service": { enabled: "yes" } }, 'services["a.service"].enabled', /must be true or false/],
  ])("refuse %j", (declared, property, reason) => {
    const { failures } = check(services.inputs, { host: "mirror", services: declared });
    expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
  });
});

describe("SigningKey", () => {
  const declared = { host: "mirror", userId: "Mirror of dc1 <infra@example.org>", directory: "/srv/keys/a" };

  test("is kept by default when the resource is removed", () => {
    expect(check(signingKey.inputs, declared)).toEqual({
      inputs: { ...declared, keepOnRemove: true },
      failures: [],
    });
  });

  test.each<[Given, string, RegExp]>([
    [{ userId: "Me" }, "userId", /5 characters/],
    [{ userId: "Mirror\nof dc1" }, "userId", /name with or without an address/],
    [{ userId: "Mirror <a@b> <c@d>" }, "userId", /name with or without an address/],
    [{ userId: "--log-file=/root/x" }, "userId", /name with or without an address/],
    [{ userId: "Mirror <a\u001b@b>" }, "userId", /name with or without an address/],
    [{ userId: "Mirror <a\0@b>" }, "userId", /name with or without an address/],
    [{ userId: "Mirror\u009b2J" }, "userId", /name with or without an address/],
    [{ directory: "keys" }, "directory", /absolute path/],
    [{ directory: "/srv/../etc" }, "directory", /absolute path/],
    [{ directory: `/srv/${"x".repeat(80)}` }, "directory", /80 characters/],
    [{ expires: "5 years" }, "expires", /such as "5y"/],
    [{ expires: "0" }, "expires", /such as "5y"/],
    [{ secretKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----" }, "secretKey", /armored OpenPGP secret key/],
  ])("refuses %j", (given, property, reason) => {
    const { failures } = check(signingKey.inputs, { ...declared, ...given });
    expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
  });
});

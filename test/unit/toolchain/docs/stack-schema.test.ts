import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Ajv, type ErrorObject } from "ajv";
import { parse } from "yaml";
import { schemaComment, stackSchema } from "../../../../toolchain/docs/stack-schema.ts";

const root = resolve(import.meta.dirname, "../../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
// The base64 of a keyring has a pattern too.
const validate = new Ajv({ allErrors: true, verbose: true, validateFormats: false }).compile(
  stackSchema("airgapped-maas"),
);

/** The schema's errors for a file. */
function errors(file: unknown): ErrorObject[] {
  return validate(file) ? [] : [...(validate.errors ?? [])];
}

/** The errors below `config`, without the project's name, as `path error`. */
function faults(config: object): string[] {
  const named = Object.entries(config).map(([key, value]) => [`airgapped-maas:${key}`, value]);
  return errors({ config: Object.fromEntries(named) }).map(({ instancePath, keyword, params }) =>
    `${instancePath.replace(/^\/config\/airgapped-maas:/, "")} ${keyword} ${params.additionalProperty ?? ""}`.trim(),
  );
}

const mirror = {
  host: "mirror.dc1",
  upstream: { url: "http://archive.ubuntu.com/ubuntu" },
  suites: ["noble"],
};
const withMirror = (change: object) => ({ aptMirrors: { ubuntu: { ...mirror, ...change } } });

describe("the schema of a stack file", () => {
  test.each(readdirSync(root).filter((name) => /^Pulumi\..+\.yaml$/.test(name)))("accepts %s", (name) => {
    const text = read(name);
    expect(text.split("\n")[0]).toBe(schemaComment);
    expect(errors(parse(text))).toEqual([]);
  });

  test("accepts the keys of Pulumi and any values of other projects", () => {
    const own = {
      encryptionsalt: "v1:x",
      secretsprovider: "awskms://x",
      encryptedkey: "y",
      environment: ["e"],
    };
    expect(errors({ ...own, config: { "aws:region": "x", "other:aptMirrors": 1 } })).toEqual([]);
  });

  test("accepts a secret that is encrypted or a text, and no other type", () => {
    const upstream = (password: unknown) =>
      withMirror({ upstream: { ...mirror.upstream, credentials: { username: "u", password } } });
    expect(faults(upstream({ secure: "v1:abc" }))).toEqual([]);
    expect(faults(upstream("word"))).toEqual([]);
    expect(faults(upstream({ secret: "v1:abc" }))).not.toEqual([]);
    expect(faults(upstream(5))).not.toEqual([]);
    expect(faults({ maas: { region: { host: "maas", apiKey: { secure: "x" } } } })).toEqual([]);
    expect(faults(withMirror({ serve: { tls: { certificate: "c", key: { secure: "x" } } } }))).toEqual([]);
  });

  test.each<[string, object, string[]]>([
    [
      "a key of the project that is not known",
      { aptMirors: {} },
      ["/config additionalProperties airgapped-maas:aptMirors"],
    ],
    [
      "an argument that is not known",
      withMirror({ sutes: [] }),
      ["aptMirrors/ubuntu additionalProperties sutes"],
    ],
    ["a wrong type", withMirror({ suites: "noble" }), ["aptMirrors/ubuntu/suites type"]],
    ["a text for a number", withMirror({ keepSnapshots: "3" }), ["aptMirrors/ubuntu/keepSnapshots type"]],
    ["an unknown choice", withMirror({ signing: "me" }), ["aptMirrors/ubuntu/signing enum"]],
    [
      "a number that is too large",
      withMirror({ serve: { port: 70_000 } }),
      ["aptMirrors/ubuntu/serve/port maximum"],
    ],
    ["a wrong format", withMirror({ validFor: "30 days" }), ["aptMirrors/ubuntu/validFor pattern"]],
    [
      "a mirror without required values",
      { aptMirrors: { u: {} } },
      ["host", "upstream", "suites"].map(() => "aptMirrors/u required"),
    ],
    [
      "an invalid name",
      { aptMirrors: { Ubuntu: mirror } },
      ["aptMirrors pattern", "aptMirrors propertyNames"],
    ],
    [
      "a setting that is not known",
      { maas: { region: { host: "m" }, settings: { settings: { dnssec: "no" } } } },
      ["maas/settings/settings additionalProperties dnssec"],
    ],
  ])("refuses %s", (_, config, expected) => {
    expect(faults(config)).toEqual(expected);
  });

  test("accepts a custom image in two forms, and refuses others", () => {
    const image = { os: "rhel", release: "r", title: "R", file: "r.tgz" };
    const images = (one: object) => faults({ customImages: { one: { ...image, ...one } } });
    expect(images({ host: "mirror" })).toEqual([]);
    expect(images({ via: "stream", host: "mirror", file: { host: "h", path: "/r" } })).toEqual([]);
    expect(images({ via: "upload", fileType: "tgz" })).toEqual([]);
    expect(images({ via: "upload", host: "mirror" })).not.toEqual([]);
    expect(images({ via: "uplod", host: "mirror" })).not.toEqual([]);
  });
});

describe("the YAML examples in documents", () => {
  const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
    (name) => name.endsWith(".md"),
  );
  const examples = documents.flatMap((document) =>
    [...read(document).matchAll(/^( *)```yaml\n([\s\S]*?)^\1```$/gm)].map(([, indent = "", text = ""]) => ({
      document,
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    })),
  );
  const whole = examples.filter(({ text }) => /^config:$/m.test(text));
  const parts = examples.filter(({ text }) => /^airgapped-maas:/m.test(text));
  const ofMirrors = examples.filter(({ text }) => /^(upstream|components):/m.test(text));

  test("are each of one tested kind, except one for cloud-init", () => {
    const tested = [whole, parts, ofMirrors];
    const kindsOf = (one: (typeof examples)[number]) => tested.filter((kind) => kind.includes(one)).length;
    expect(examples.filter((one) => kindsOf(one) > 1)).toEqual([]);
    const others = examples.filter((one) => kindsOf(one) === 0);
    expect(others.map(({ text }) => text.split("\n")[0])).toEqual(["#cloud-config"]);
    expect(whole.length).toBeGreaterThan(5);
    for (const kind of tested) expect(kind).not.toEqual([]);
  });

  test.each(whole)(
    "that are whole files are valid and begin with the schema comment: $document",
    ({ text }) => {
      expect(text.split("\n")[0]).toBe(schemaComment);
      expect(errors(parse(text))).toEqual([]);
    },
  );

  test.each(parts)("that are parts of a file are valid: $document", ({ text }) => {
    const wrong = errors({ config: parse(text) });
    // A part of a stack file may omit required values.
    expect(wrong.filter(({ keyword }) => keyword !== "required")).toEqual([]);
  });

  test.each(ofMirrors)("that are parts of a mirror are valid: $document", ({ text }) => {
    expect(faults(withMirror(parse(text)))).toEqual([]);
  });
});

import { execFileSync } from "node:child_process";
import { beforeEach, describe, expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { type AptMirrorArgs, aptMirrorSchema } from "../../../components/apt-mirror/args.ts";
import { checkedArguments } from "../../../components/arguments/checked-arguments.ts";
import { imageMirrorSchema } from "../../../components/image-mirror/args.ts";
import { fetchInputs } from "../../../components/serving/upstream-args.ts";
import { pathText } from "../../../errors/wrong-input.ts";
import { identity } from "../hosts/small-web.ts";

const [own, other] = [identity("IP:127.0.0.1"), identity("DNS:other")];
const word = "s3cret-word";

function faults(upstream: object): string[] {
  const mirrors = [
    [
      aptMirrorSchema,
      { host: "m", suites: ["noble"], upstream: { url: "https://a.example/u", ...upstream } },
    ],
    [
      imageMirrorSchema,
      {
        host: "m",
        images: [{ os: "ubuntu", releases: ["noble"] }],
        upstream: { url: "https://a.example/u", ...upstream },
      },
    ],
  ] as const;
  const [apt, images] = mirrors.map(([schema, args]) => {
    const { error } = schema.safeParse(args);
    return error?.issues.map(({ path, message }) => `${pathText(path)}: ${message}`) ?? [];
  });
  if (!("url" in upstream)) expect(images).toEqual(apt);
  return [...new Set([...(apt ?? []), ...(images ?? [])])];
}

describe("the arguments of upstream", () => {
  test.each<[object]>([
    [{ credentials: { username: "bearer", password: "C123" } }],
    [{ credentials: { username: "a b", password: 'ü"\\$`:' } }],
    [{ credentials: { token: "abc.DEF-_~+/==" } }],
    [{ ca: `${own.certificate}\n${other.certificate}` }],
    [{ clientCertificate: own }],
    [{ clientCertificate: { ...own, certificate: `${own.certificate}${other.certificate}` } }],
    [{ proxy: { url: "http://proxy.example:3128/" } }],
    [
      {
        proxy: {
          url: "https://[fd00::1]:3129",
          credentials: { username: "u", password: word },
          ca: own.certificate,
        },
      },
    ],
    [{ slowestBytesPerSecond: 1 }],
  ])("case %# is accepted", (upstream) => {
    expect(faults(upstream)).toEqual([]);
  });

  test.each<[object, RegExp]>([
    [
      { credentials: { username: "u" } },
      /upstream\.credentials: needs username and password, or token alone/,
    ],
    [
      { credentials: { password: word, token: word } },
      /upstream\.credentials: needs username and password, or/,
    ],
    [{ credentials: {} }, /upstream\.credentials: needs/],
    [{ credentials: { username: "a:b", password: word } }, /credentials\.username: is not a user's name/],
    [
      { credentials: { username: "u", password: `${word}\nurl = x` } },
      /credentials\.password: has characters/,
    ],
    [{ credentials: { token: `${word} x` } }, /credentials\.token: is not a bearer token/],
    [{ ca: "/etc/ssl/ca.pem" }, /upstream\.ca: is not a certificate in PEM form/],
    [{ ca: own.certificate.replace(/^MII/m, "AAA") }, /upstream\.ca: has no certificate in its block 1/],
    [{ ca: own.certificate + own.key }, /upstream\.ca: has a private key in it/],
    [
      { clientCertificate: { ...own, key: other.key } },
      /clientCertificate\.key: is not the key of the certificate/,
    ],
    [{ clientCertificate: { ...own, key: own.certificate } }, /clientCertificate\.key: is not a private key/],
    [{ clientCertificate: own, url: "http://a.example/u" }, /clientCertificate: is never used/],
    [{ proxy: { url: `http://u:${word}@proxy.example` } }, /proxy\.url: .*upstream\.proxy\.credentials/],
    [{ proxy: { url: "socks5://proxy.example" } }, /proxy\.url: is not the URL of an http or https proxy/],
    [{ proxy: { url: "http://proxy.example/path" } }, /proxy\.url/],
    [{ proxy: { url: 'http://proxy"example' } }, /proxy\.url/],
    [{ slowestBytesPerSecond: 0 }, /slowestBytesPerSecond/],
  ])("case %# is refused, and the message has no secret", (upstream, fault) => {
    const messages = faults(upstream);
    expect(messages).toEqual([expect.stringMatching(fault)]);
    expect(messages.join()).not.toContain(word);
  });

  test("a client key that is encrypted with a passphrase is refused", () => {
    const argv = ["pkey", "-aes128", "-passout", "pass:x"];
    const key = execFileSync("openssl", argv, { input: own.key, encoding: "utf8" });
    expect(faults({ clientCertificate: { ...own, key } })).toEqual([
      expect.stringMatching(/clientCertificate\.key: is encrypted with a passphrase/),
    ]);
  });

  test.each([
    `https://user:${word}@a.example/u`,
    `https://user:${word}/x@a.example/u`,
    `https://user:12/${word}@a.example/u`,
    `https://user:${word}#@a.example/u`,
    `https://user:${word}?@a.example`,
    `https://user:${word}\\@a.example`,
    `user:${word}@a.example/u`,
    `https://${word}@a.example/u`,
    `https://a.example/u?token=${word}`,
    `https://a.example/u#${word}`,
  ])("a URL that may have a secret in it (%#) is refused, and the message has no secret", (url) => {
    const messages = faults({ url });
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.join()).not.toContain(word);
    if (url.includes("@")) expect(messages.every((each) => each.includes("upstream.credentials"))).toBe(true);
  });
});

describe("upstream.accept", () => {
  const reasons = (accept: object) =>
    aptMirrorSchema
      .safeParse({ host: "m", suites: ["noble"], upstream: { url: "http://a.example/u", accept } })
      .error?.issues.map(({ message }) => message);

  test("needs a reason of one line, and refuses unknown keys", () => {
    expect(reasons({ expired: "snapshot of 2026-11-01", older: "moved back" })).toBeUndefined();
    expect(reasons({ expired: " " })).toEqual([expect.stringMatching(/give the reason/)]);
    expect(reasons({ missingDate: "a\nb" })).toEqual(["must be one line"]);
    expect(reasons({ everything: "why" })).toHaveLength(1);
  });
});

describe("secrets in the arguments of upstream", () => {
  beforeEach(async () => {
    await pulumi.runtime.setMocks(
      { newResource: ({ name, inputs }) => ({ id: name, state: inputs }), call: () => ({}) },
      "airgapped-maas",
      "dev",
    );
  });

  const late = (value: string) => pulumi.secret(value) as pulumi.Output<string>;
  const access = {
    credentials: { username: "user", password: late(word) },
    clientCertificate: { certificate: own.certificate, key: late(own.key) },
    proxy: { url: "http://proxy.example", credentials: { username: "p", password: late("proxy-word") } },
  };
  const given = (upstream: object, url = "https://a.example/u") => {
    const args = { host: "m", suites: ["noble"], upstream: { url, ...upstream } } as AptMirrorArgs;
    const mirror = new pulumi.ComponentResource("test:index:Mirror", "m");
    return checkedArguments(mirror, "AptMirror m", args, aptMirrorSchema);
  };
  /** The value or error of an output. */
  const outcome = (output: pulumi.Output<unknown>) =>
    (output as unknown as { promise(): Promise<unknown> }).promise();

  test("late secrets do not delay the check of the other arguments", () => {
    const { settings } = given(access);
    expect(pulumi.Output.isInstance(settings)).toBe(false);
    expect(JSON.stringify(settings)).not.toMatch(/s3cret|proxy-word|BEGIN PRIVATE/);
    expect(() => given(access, "http://a.example/u")).toThrow(/upstream\.clientCertificate: is never used/);
    expect(() => given({ ...access, proxy: { url: "socks://p" } })).toThrow(
      /^[^\n]*\n {2}upstream\.proxy\.url: [^\n]*$/,
    );
  });

  test("a lookup gets checked secrets as plain values that are not marked as secret", async () => {
    const clear = given(access).inClear("upstream");
    expect(await pulumi.isSecret(clear)).toBe(false);
    expect(await outcome(clear)).toMatchObject({
      upstream: {
        credentials: { username: "user", password: word },
        clientCertificate: own,
        proxy: { url: "http://proxy.example", credentials: { username: "p", password: "proxy-word" } },
      },
    });
  });

  test("fetch inputs have the secrets separately, unchanged and marked as secret", async () => {
    const { fetch, secrets } = fetchInputs(given(access));
    expect(fetch).toEqual({
      parallel: 64,
      stallSeconds: 30,
      username: "user",
      clientCertificate: own.certificate,
      proxy: "http://proxy.example",
      proxyUsername: "p",
    });
    expect(Object.keys(secrets ?? {}).sort()).toEqual(["clientKey", "password", "proxyPassword"]);
    for (const secret of Object.values(secrets ?? {})) expect(await pulumi.isSecret(secret)).toBe(true);
    expect(await outcome(secrets?.password as pulumi.Output<string>)).toBe(word);
    expect(fetchInputs(given({ parallel: 1, stallSeconds: 2 }))).toEqual({
      fetch: { parallel: 1, stallSeconds: 2 },
    });
  });
});

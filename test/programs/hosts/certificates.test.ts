import { afterAll, describe, expect, test } from "@jest/globals";
import { invalidAt, readCertificate, readCertificateLine } from "../../../hosts/certificates.ts";
import { type Certified, certifiedKeys } from "../../../hosts/certificates-of-hosts.ts";
import { userCertificateWarnings } from "../../../hosts/certificates-of-users.ts";
import { signatureAlgorithms } from "../../../hosts/destination.ts";
import { fingerprint, keysFor, parseKnownHosts } from "../../../hosts/known-hosts.ts";
import { wireString } from "../../../hosts/wire-format.ts";
import { blobOf, CertificateFiles } from "./certificate-files.ts";

const files = new CertificateFiles();
afterAll(() => files.end());

const authority = files.key();
const hostKey = files.key();
const now = Date.parse("2026-11-28T12:00:00Z");

/** The result of `lines` for mirror.dc1, with a known_hosts file that names the authority. */
function check(
  lines: readonly string[],
  options: { known?: string; name?: string; algorithms?: readonly string[] } = {},
): Certified {
  const { known = `@cert-authority *.dc1 ${files.publicLine(authority)}`, name = "mirror.dc1" } = options;
  return certifiedKeys(lines, {
    known: keysFor(parseKnownHosts(known, "known_hosts"), "mirror.dc1", 22),
    name,
    signatureAlgorithms: options.algorithms ?? signatureAlgorithms,
    now,
  });
}

/** The reason for which the only certificate was rejected. */
function problem(line: string, options?: Parameters<typeof check>[1]): string {
  const { keys, problems } = check([line], options);
  expect([keys, problems.length]).toEqual([[], 1]);
  return `${problems[0]?.found}; ${problems[0]?.remedy}`;
}

const line = (blob: Buffer, type = "ssh-ed25519-cert-v01@openssh.com") =>
  `${type} ${blob.toString("base64")}`;
const good = files.certificate(authority, hostKey, "-h", "-n", "mirror.dc1,mirror");
const goodBlob = blobOf(good);

describe("the certificate of a host", () => {
  const rsa = files.key("rsa", 2048);
  const signers = [
    { signer: authority, args: [] },
    ...[256, 384, 521].map((bits) => ({ signer: files.key("ecdsa", bits), args: [] })),
    { signer: rsa, args: [] },
    { signer: rsa, args: ["-t", "rsa-sha2-256"] },
  ];

  test.each([
    ["ed25519", undefined],
    ["ecdsa", 256],
    ["ecdsa", 384],
    ["ecdsa", 521],
    ["rsa", 3072],
  ])("for a key %s %s, signed by authorities of every type, makes that key known", (type, bits) => {
    const key = files.key(type, bits);
    for (const { signer, args } of signers) {
      const certificate = files.certificate(signer, key, "-h", "-n", "mirror.dc1", ...args);
      const known = `@cert-authority mirror.dc1 ${files.publicLine(signer)}`;
      const { keys, problems } = check([`mirror.dc1 ${certificate}`], { known });
      expect(problems).toEqual([]);
      expect(keys.map((host) => [host.type, host.key])).toEqual([
        [files.publicLine(key).split(" ")[0], blobOf(files.publicLine(key))],
      ]);
      expect(keys[0]?.where).toBe('certificate "an id" by known_hosts:1');
    }
  });

  test("is read with the values that ssh-keygen wrote", () => {
    const made = files.certificate(
      authority,
      hostKey,
      "-h",
      "-n",
      "a,b",
      "-V",
      "20260101000000Z:20270101000000Z",
    );
    expect(readCertificateLine(made)).toMatchObject({
      type: "ssh-ed25519-cert-v01@openssh.com",
      plainType: "ssh-ed25519",
      use: "host",
      id: "an id",
      principals: ["a", "b"],
      validAfter: BigInt(Date.UTC(2026, 0) / 1000),
      validBefore: BigInt(Date.UTC(2027, 0) / 1000),
      criticalOptions: [],
      authority: blobOf(files.publicLine(authority)),
      signatureAlgorithm: "ssh-ed25519",
    });
  });

  test("without a name is valid for every host, as for ssh", () => {
    expect(check([files.certificate(authority, hostKey, "-h")]).keys).toHaveLength(1);
  });

  test("is found among invalid certificates", () => {
    const others = [line(goodBlob.subarray(0, 40)), files.certificate(authority, hostKey, "-h", "-n", "x")];
    const { keys, problems } = check([...others, good, files.publicLine(hostKey), "# noise"]);
    expect([keys.length, problems.length]).toEqual([1, 2]);
  });

  test("for another name is refused, also if a pattern or a different case would match", () => {
    for (const name of ["mirror2.dc1", "*.dc1", "*", "MIRROR.DC1", "mirror.dc1.", "mirror"]) {
      const other = files.certificate(authority, hostKey, "-h", "-n", name);
      expect(problem(other)).toContain(`is for ${name}, not for mirror.dc1`);
    }
    expect(problem(good, { name: "alias" })).toMatch(/not for alias; .*-n mirror\.dc1,mirror,alias/);
  });

  test("that has expired or is not yet valid is refused, and its validity is shown to the second", () => {
    const validity = (from: string, to: string) =>
      files.certificate(authority, hostKey, "-h", "-n", "mirror.dc1", "-V", `${from}Z:${to}Z`);
    const message = problem(validity("20260101000000", "20261128120000"));
    expect(message).toContain(
      "has expired: valid from 2026-01-01T00:00:00Z to 2026-11-28T12:00:00Z, and it is 2026-11-28T12:00:00Z on this machine",
    );
    expect(message).toMatch(/Sign the host's key again.*clock of this machine/);
    expect(check([validity("20260101000000", "20261128120001")]).keys).toHaveLength(1);
    expect(problem(validity("20261128120001", "20270101000000"))).toMatch(
      /is not yet valid: .*clock of this machine is wrong/,
    );
    expect(check([validity("20261128120000", "20270101000000")]).keys).toHaveLength(1);
  });

  test("by another authority is refused, and both authorities are named", () => {
    const stranger = files.key();
    const message = problem(files.certificate(stranger, hostKey, "-h", "-n", "mirror.dc1"));
    expect(message).toContain(fingerprint(blobOf(files.publicLine(stranger))));
    expect(message).toContain(`${fingerprint(blobOf(files.publicLine(authority)))} (known_hosts:1)`);
  });

  test("by an authority for other hosts, or by a plain host key, is refused", () => {
    expect(problem(good, { known: `@cert-authority *.dc2 ${files.publicLine(authority)}` })).toMatch(
      /another authority/,
    );
    expect(problem(good, { known: `@cert-authority *,!mirror.dc1 ${files.publicLine(authority)}` })).toMatch(
      /another/,
    );
    expect(problem(good, { known: `mirror.dc1 ${files.publicLine(authority)}` })).toMatch(
      /another authority/,
    );
  });

  test("is refused if it is a user certificate", () => {
    expect(problem(files.certificate(authority, hostKey, "-n", "mirror.dc1"))).toMatch(
      /is a user certificate; .*-h/,
    );
  });

  test("with an unknown critical option is refused", () => {
    const made = files.certificate(authority, hostKey, "-h", "-n", "mirror.dc1", "-O", "critical:future@x=1");
    expect(problem(made)).toMatch(/unknown critical options \(future@x\)/);
  });

  test("whose authority or key is revoked is refused", () => {
    const authorityLine = files.publicLine(authority);
    const known = `@cert-authority * ${authorityLine}\n@revoked * `;
    expect(problem(good, { known: known + authorityLine })).toMatch(
      /key of its authority is marked @revoked in known_hosts:2/,
    );
    expect(problem(good, { known: known + files.publicLine(hostKey) })).toMatch(/its key is marked @revoked/);
    expect(check([good], { known: known + files.publicLine(files.key()) }).keys).toHaveLength(1);
  });

  test("with a signature that CASignatureAlgorithms forbids, or with SHA-1, is refused", () => {
    expect(problem(good, { algorithms: ["rsa-sha2-512"] })).toMatch(
      /ssh-ed25519, which CASignatureAlgorithms/,
    );
    const made = files.certificate(rsa, hostKey, "-h", "-n", "mirror.dc1", "-t", "ssh-rsa");
    expect(problem(made, { known: `@cert-authority * ${files.publicLine(rsa)}` })).toMatch(
      /signed it with ssh-rsa, which is not accepted/,
    );
  });

  test("signed by a certificate is refused, also if known_hosts has that certificate as authority", () => {
    const middle = files.certificate(authority, authority, "-h", "-n", "mirror.dc1");
    const known = `@cert-authority * ${middle}`;
    expect(problem(good, { known })).toMatch(/another authority/);
    const key = blobOf(files.publicLine(authority));
    const forged = Buffer.concat([
      goodBlob.subarray(0, goodBlob.indexOf(wireString(key))),
      wireString(blobOf(middle)),
      goodBlob.subarray(goodBlob.indexOf(wireString(key)) + 4 + key.length),
    ]);
    expect(problem(line(forged), { known })).toMatch(
      /authority has a key of type ssh-ed25519-cert-v01@openssh.com/,
    );
  });

  test("is refused if any byte is changed, if it is cut off, or if it has bytes after its end", () => {
    for (let at = 0; at < goodBlob.length; at++) {
      const altered = Buffer.from(goodBlob);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect([at, check([line(altered)]).keys]).toEqual([at, []]);
      expect([at, check([line(goodBlob.subarray(0, at))]).keys]).toEqual([at, []]);
    }
    expect(problem(line(Buffer.concat([goodBlob, Buffer.alloc(1)])))).toMatch(/bytes after its end/);
    expect(problem(line(goodBlob.subarray(0, -1)))).toMatch(/is cut off/);
  });

  test("of an unsupported type, or with another type in its line, is refused", () => {
    const sk = wireString("sk-ssh-ed25519-cert-v01@openssh.com");
    expect(problem(line(sk, "sk-ssh-ed25519-cert-v01@openssh.com"))).toMatch(
      /sk-ssh-ed25519-cert.* is not supported/,
    );
    expect(problem(line(blobOf(files.publicLine(hostKey))))).toMatch(/it is not a certificate/);
    expect(() => readCertificateLine(line(goodBlob, "ssh-rsa-cert-v01@openssh.com"))).toThrow(
      /its line says ssh-rsa-cert/,
    );
    expect(() => readCertificate(Buffer.alloc(0))).toThrow(/cut off/);
  });
});

describe("the warnings about a user certificate that a host refused", () => {
  const user = files.key();
  const doubts = (made: string, name = "ops") =>
    userCertificateWarnings([{ certificate: readCertificateLine(made), where: "id-cert.pub" }], name, now);

  test("name what is wrong with the certificate", () => {
    const valid = (...args: string[]) => files.certificate(authority, user, "-n", "ops,root", ...args);
    expect(doubts(valid("-V", "20200101:20210101")).found[0]).toMatch(
      /certificate id-cert.pub has expired: .*2021-01-0/,
    );
    expect(doubts(valid("-V", "20300101:20310101")).remedy).toMatch(/clock of this machine is wrong, set it/);
    expect(doubts(valid(), "admin").found).toEqual([
      "the certificate id-cert.pub is for ops, root, not for admin",
    ]);
    expect(doubts(files.certificate(authority, user)).found[0]).toMatch(/is not valid for any user/);
    expect(doubts(valid("-h")).found[0]).toMatch(/is a host certificate/);
    expect(doubts(valid("-O", "source-address=192.0.2.1")).found[0]).toMatch(
      /has critical options \(source-address\)/,
    );
  });

  test("are empty for a valid certificate, and the remedy names TrustedUserCAKeys on the host", () => {
    const { found, remedy } = doubts(files.certificate(authority, user, "-n", "ops"));
    expect(found).toEqual([]);
    expect(remedy).toContain(
      `TrustedUserCAKeys must name the authority of the certificate (ssh-ed25519 ${fingerprint(blobOf(files.publicLine(authority)))})`,
    );
    expect(userCertificateWarnings([], "ops", now)).toEqual({ found: [], remedy: undefined });
  });
});

test("validity times beyond the range of dates do not cause a failure", () => {
  const certificate = { ...readCertificateLine(good), validAfter: 0n, validBefore: 0xffff_ffff_ffff_fffen };
  expect(invalidAt(certificate, now)).toBeUndefined();
  expect(invalidAt({ ...certificate, validAfter: 0xffff_ffff_ffff_fffdn }, now)?.found).toMatch(
    /not yet valid: valid from second 18446744073709551613/,
  );
});

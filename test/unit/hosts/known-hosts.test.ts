import { describe, expect, test } from "@jest/globals";
import ssh2 from "ssh2";
import { type KnownHost, keysFor, parseKnownHosts, verdictOn } from "../../../hosts/known-hosts.ts";

/** A public key in the format of a key file, and its bytes. */
function publicKey(bits?: 256) {
  const { generateKeyPairSync } = ssh2.utils;
  const { public: line } = bits ? generateKeyPairSync("ecdsa", { bits }) : generateKeyPairSync("ed25519");
  return { line, blob: Buffer.from(line.split(" ")[1] ?? "", "base64") };
}
const keys = { a: publicKey(), b: publicKey(), ecdsa: publicKey(256) };

const parse = (text: string): KnownHost[] => parseKnownHosts(text, "known_hosts");
const verdict = (text: string, host: string, port = 22, key = keys.a.blob, alias?: string) =>
  verdictOn(keysFor(parse(text), host, port, alias), key);

describe("known_hosts", () => {
  test("a plain name matches in any letter case, and other names do not match", () => {
    const text = `# a comment\n\nmirror.dc1,10.77.0.2 ${keys.a.line} comment here\n`;
    expect(verdict(text, "mirror.dc1")).toBe("known");
    expect(verdict(text, "MIRROR.dc1")).toBe("known");
    expect(verdict(text, "10.77.0.2")).toBe("known");
    expect(verdict(text, "10.77.0.20")).toBe("unknown");
    expect(verdict(text, "mirrorxdc1")).toBe("unknown");
  });

  test("a key without a port is trusted on each port, and a key with a port only on that port", () => {
    expect(verdict(`mirror ${keys.a.line}`, "mirror", 2222)).toBe("known");
    expect(verdict(`[mirror]:2222 ${keys.a.line}`, "mirror", 2222)).toBe("known");
    expect(verdict(`[mirror]:2222 ${keys.a.line}`, "mirror", 22)).toBe("unknown");
  });

  test("a different key without a port makes the key on another port unknown, not changed, as in ssh", () => {
    const text = `mirror ${keys.b.line}\n`;
    expect(verdict(text, "mirror", 2222)).toBe("unknown");
    expect(verdict(text, "mirror", 22)).toBe("changed");
    expect(verdict(text, "10.77.0.2", 2222, keys.a.blob, "mirror")).toBe("changed");
    const both = `${text}[mirror]:2222 ${keys.ecdsa.line}\n`;
    expect(verdict(both, "mirror", 2222)).toBe("changed");
    expect(verdict(both, "mirror", 2222, keys.b.blob)).toBe("changed");
    expect(verdict(both, "mirror", 2222, keys.ecdsa.blob)).toBe("known");
  });

  test("wildcards match, and a negated pattern has priority", () => {
    const text = `*.dc1,!evil.dc1 ${keys.a.line}\nnode?? ${keys.a.line}`;
    expect(verdict(text, "mirror.dc1")).toBe("known");
    expect(verdict(text, "evil.dc1")).toBe("unknown");
    expect(verdict(text, "node07")).toBe("known");
    expect(verdict(text, "node7")).toBe("unknown");
  });

  test("a key that differs from the known one is a changed key, also when its type differs", () => {
    expect(verdict(`mirror ${keys.a.line}`, "mirror", 22, keys.b.blob)).toBe("changed");
    expect(verdict(`mirror ${keys.ecdsa.line}`, "mirror", 22, keys.a.blob)).toBe("changed");
    expect(verdict(`mirror ${keys.a.line}\nmirror ${keys.b.line}`, "mirror", 22, keys.b.blob)).toBe("known");
  });

  test("a revoked key is refused although it is also listed as trusted, under any name of the host", () => {
    expect(verdict(`mirror ${keys.a.line}\n@revoked * ${keys.a.line}`, "mirror")).toBe("revoked");
    expect(verdict(`[mirror]:2222 ${keys.a.line}\n@revoked mirror ${keys.a.line}`, "mirror", 2222)).toBe(
      "revoked",
    );
    expect(verdict(`mirror ${keys.a.line}\n@revoked other ${keys.a.line}`, "mirror")).toBe("known");
  });

  test("a certificate authority makes no key trusted, and is reported", () => {
    const known = keysFor(parse(`@cert-authority *.dc1 ${keys.a.line}`), "mirror.dc1", 22);
    expect(verdictOn(known, keys.a.blob)).toBe("unknown");
    expect(known.authorities.map(({ where }) => where)).toEqual(["known_hosts:1"]);
  });

  test("HostKeyAlias replaces the name and the port", () => {
    expect(verdict(`dc1-mirror ${keys.a.line}`, "10.77.0.2", 2222, keys.a.blob, "dc1-mirror")).toBe("known");
    expect(verdict(`10.77.0.2 ${keys.a.line}`, "10.77.0.2", 22, keys.a.blob, "dc1-mirror")).toBe("unknown");
  });

  test("damaged lines and lines of an unknown kind make no key trusted", () => {
    const [type, base64] = keys.a.line.split(" ");
    for (const line of [
      `@future mirror ${keys.a.line}`,
      `mirror ssh-rsa ${base64}`,
      `mirror ${type}`,
      `mirror ${type} !!!!`,
      `|1|broken ${keys.a.line}`,
      `|2|c2FsdA==|aGFzaA== ${keys.a.line}`,
    ]) {
      expect([line, verdict(line, "mirror")]).toEqual([line, "unknown"]);
    }
  });
});

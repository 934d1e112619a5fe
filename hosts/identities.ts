import { readFile } from "node:fs/promises";
import ssh2, { type AnyAuthMethod, type ParsedKey } from "ssh2";
import { ConfiguredAgent, unusableKey } from "./agent.ts";
import { type Certificate, isCertificateType, readCertificateLine } from "./certificates.ts";
import { type Shown, userCertificateWarnings } from "./certificates-of-users.ts";
import { certificateOf, withCertificate } from "./certified-login.ts";
import type { Destination } from "./destination.ts";
import { Malformed } from "./wire-format.ts";

/** How to log in, and the facts for the message when no method is accepted. */
export interface Identities {
  readonly methods: readonly AnyAuthMethod[];
  /** What will be tried, for messages: `key ~/.ssh/id_ed25519`, `agent (2 keys)`. */
  readonly offered: readonly string[];
  /** Key files that need a passphrase. Only an agent can ask for one. */
  readonly encrypted: readonly string[];
  /** Other reasons why a configured key cannot be offered. */
  readonly problems: readonly string[];
  /** What to do about the offered certificates, if there are any. */
  readonly certificateRemedy: string | undefined;
}

/**
 * The keys to offer, in ssh's order: the agent's keys that the configuration names, its other keys, then key files.
 * With IdentitiesOnly, only what the configuration names. A key with a matching certificate is offered with it first:
 * hosts that accept certificates often know no plain keys, and count each attempt.
 */
export async function identitiesFor(destination: Destination): Promise<Identities> {
  const username = destination.user;
  const [files, found] = await Promise.all([
    Promise.all(destination.identityFiles.map(readIdentity)),
    readCertificates(destination),
  ]);
  const problems = [...files, ...found].flatMap(({ problem }) => (problem ? [problem] : []));
  const configured = files.flatMap(({ publicBlob }) => (publicBlob ? [publicBlob] : []));
  const filed = found.flatMap(({ file, certificate }) => (certificate ? [{ file, certificate }] : []));
  const certificates = filed.map(({ certificate }) => certificate);
  if (destination.pkcs11Provider) {
    problems.push(
      `PKCS11Provider ${destination.pkcs11Provider} is not supported: load its keys into ssh-agent (\`ssh-add -s ${destination.pkcs11Provider}\`)`,
    );
  }

  const methods: AnyAuthMethod[] = [];
  const offered: string[] = [];
  const shown: Shown[] = [];
  let held: readonly ParsedKey[] = [];
  if (destination.agent) {
    const agent = new ConfiguredAgent(
      destination.agent,
      configured,
      certificates.filter(({ use }) => use === "user"),
      destination.identitiesOnly,
    );
    const inside = await agent.list().catch((error: Error) => {
      problems.push(`the agent at ${destination.agent} does not answer (${error.message})`);
      return { keys: [], problems: [] };
    });
    held = inside.keys;
    problems.push(...inside.problems);
    if (held.length > 0) {
      methods.push({ type: "agent", username, agent });
      const certified = held.flatMap((key) => certificateOf(key) ?? []);
      offered.push(`agent (${count(held.length - certified.length, certified.length)})`);
      for (const certificate of certified) {
        const file = filed.find((entry) => entry.certificate.blob.equals(certificate.blob))?.file;
        shown.push({ certificate, where: file ?? `"${certificate.id}" in the agent` });
      }
    }
  }
  const inAgent = (blob: Buffer | undefined) =>
    blob !== undefined && held.some((key) => key.getPublicSSH().equals(blob));
  const encrypted: string[] = [];
  for (const { file, key, publicBlob, locked } of files) {
    if (inAgent(publicBlob)) continue;
    if (locked) encrypted.push(file);
    if (!key) continue;
    for (const entry of filed) {
      const { certificate } = entry;
      if (!publicBlob?.equals(certificate.plainKey) || inAgent(certificate.blob)) continue;
      shown.push({ certificate, where: entry.file });
      if (certificate.use !== "user") continue;
      methods.push({ type: "publickey", username, key: withCertificate(key, certificate) });
      offered.push(`certificate ${entry.file}`);
    }
    methods.push({ type: "publickey", username, key });
    offered.push(`key ${file}`);
  }
  for (const { certificate, file } of filed) {
    if (shown.some((entry) => entry.certificate.blob.equals(certificate.blob))) continue;
    problems.push(`the certificate ${file} is not for any key that can be used here`);
  }
  const warnings = userCertificateWarnings(shown, username, Date.now());
  problems.push(...warnings.found);
  return { methods, offered, encrypted, problems, certificateRemedy: warnings.remedy };
}

function count(keys: number, certificates: number): string {
  const some = (number: number, one: string) => `${number} ${one}${number === 1 ? "" : "s"}`;
  return [
    ...(keys > 0 || certificates === 0 ? [some(keys, "key")] : []),
    ...(certificates > 0 ? [some(certificates, "certificate")] : []),
  ].join(", ");
}

interface FoundCertificate {
  readonly file: string;
  readonly certificate?: Certificate;
  readonly problem?: string;
}

/** The files of CertificateFile, and those next to key files, each certificate once. */
async function readCertificates(destination: Destination): Promise<FoundCertificate[]> {
  const { certificateFiles, identityFiles } = destination;
  // An IdentityFile may be a certificate whose key is in another place.
  const beside = identityFiles.flatMap((file) => [`${file}-cert.pub`, `${file}-cert`, file]);
  const found: FoundCertificate[] = [];
  for (const file of new Set([...certificateFiles, ...beside])) {
    const named = certificateFiles.includes(file);
    const one = await readCertificateFile(file, named);
    if (!one) continue;
    const { certificate } = one;
    if (certificate && found.some((other) => other.certificate?.blob.equals(certificate.blob))) continue;
    found.push(one);
  }
  return found;
}

/** @param named Whether the configuration names it. Only then a missing file is reported. */
async function readCertificateFile(file: string, named: boolean): Promise<FoundCertificate | undefined> {
  try {
    const text = (await readFile(file)).toString("latin1");
    if (!named && !isCertificateType(text.trim().split(/\s+/)[0] ?? "")) return undefined;
    return { file, certificate: readCertificateLine(text) };
  } catch (error) {
    if (error instanceof Malformed)
      return { file, problem: `the certificate ${file} cannot be used: ${error.message}` };
    const { code, message } = error as NodeJS.ErrnoException;
    if (!named) return undefined;
    const missing = code === "ENOENT" || code === "ENOTDIR";
    return {
      file,
      problem: missing
        ? `the certificate ${file} does not exist`
        : `the certificate ${file} cannot be read (${message})`,
    };
  }
}

interface Identity {
  readonly file: string;
  readonly key?: ParsedKey;
  readonly publicBlob?: Buffer;
  readonly locked?: boolean;
  readonly problem?: string;
}

async function readIdentity(file: string): Promise<Identity> {
  const read = (path: string) =>
    readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
      return error;
    });
  const [content, publicContent] = await Promise.all([read(file), read(`${file}.pub`)]);
  const published =
    publicContent instanceof Buffer ? firstKey(ssh2.utils.parseKey(publicContent)) : undefined;
  const publicBlob = published?.getPublicSSH();
  if (content === undefined) return publicBlob ? { file, publicBlob } : { file };
  if (content instanceof Error) return { file, problem: `${file} cannot be read (${content.message})` };
  if (isCertificateType(content.toString("latin1").trim().split(/\s+/)[0] ?? "")) return { file };
  const parsed = ssh2.utils.parseKey(content);
  const key = firstKey(parsed);
  if (key) {
    const blob = key.getPublicSSH();
    return key.isPrivateKey() ? { file, key, publicBlob: blob } : { file, publicBlob: blob };
  }
  const message = parsed instanceof Error ? parsed.message : "unknown format";
  const known = publicBlob ? { publicBlob } : {};
  if (/passphrase|encrypted/i.test(message)) return { file, locked: true, ...known };
  const unsupported = unsupportedType(content) ?? unsupportedType(publicContent);
  if (unsupported) return { file, problem: unusableKey(`the key ${file}`, unsupported) };
  return { file, problem: `${file} is not a usable key (${message})`, ...known };
}

function firstKey(parsed: ParsedKey | Error | ParsedKey[]): ParsedKey | undefined {
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key instanceof Error ? undefined : key;
}

/** The type of a FIDO key in a file, private or public. Such a file contains only a handle of the key. */
function unsupportedType(content: Buffer | Error | undefined): string | undefined {
  if (!(content instanceof Buffer)) return undefined;
  const text = content.toString("latin1").trim();
  const line = /^(sk-\S+)\s/.exec(text)?.[1];
  if (line) return line;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text)?.[1] ?? "";
  return /sk-[\w-]+@openssh\.com/.exec(Buffer.from(body, "base64").toString("latin1"))?.[0];
}

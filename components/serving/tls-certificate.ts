import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { certificatesIn } from "./pem-certificates.ts";

/** The result of checking a certificate chain and its key. */
interface TlsFindings {
  /**
   * Why nginx would refuse it: a path below `serve.tls` and the end of a sentence. Never contains any part of the
   * key.
   */
  readonly faults: readonly TlsFault[];
  /** Problems that nginx accepts and clients may not. */
  readonly warnings: readonly string[];
  /** The owner and the period of validity; undefined if the certificate cannot be read. */
  readonly validity?: string;
}

interface TlsFault {
  readonly path: "certificate" | "key";
  readonly message: string;
}

const soonMs = 30 * 86_400_000;

/**
 * Checks `serve.tls` as nginx and its clients do.
 *
 * @param key Undefined if it is not known yet.
 * @param names Host names and addresses that clients use.
 */
export function tlsFindings(
  { certificate, key }: { readonly certificate: string; readonly key: string | undefined },
  names: readonly string[],
  now = new Date(),
): TlsFindings {
  const read = chainOf(certificate);
  const keyRead = key === undefined ? {} : privateKeyOf(key);
  const faults: TlsFault[] = [
    ...("fault" in read ? [{ path: "certificate" as const, message: read.fault }] : []),
    ...(keyRead.fault ? [{ path: "key" as const, message: keyRead.fault }] : []),
  ];
  if ("fault" in read) return { faults, warnings: [] };
  const [leaf, ...others] = read.chain as [X509Certificate, ...X509Certificate[]];
  if (keyRead.key && !leaf.checkPrivateKey(keyRead.key)) {
    const fitting = others.findIndex((other) => keyRead.key && other.checkPrivateKey(keyRead.key));
    faults.push(
      fitting >= 0
        ? {
            path: "certificate",
            message: `begins with the certificate of ${ownerOf(leaf)}, and the key's own is number ${fitting + 2}: it must be the first, with those that signed it after it`,
          }
        : { path: "key", message: `is not the key of the certificate (of ${ownerOf(leaf)})` },
    );
  }
  const weak = weakness(leaf.publicKey);
  if (weak) faults.push({ path: "certificate", message: weak });
  return {
    faults,
    warnings: [...chainWarnings(read.chain), ...dateWarnings(read.chain, now), ...nameWarnings(leaf, names)],
    validity: `${ownerOf(leaf)}, valid from ${day(leaf.validFrom)} to ${day(leaf.validTo)}`,
  };
}

function chainOf(text: string): { readonly chain: readonly X509Certificate[] } | { readonly fault: string } {
  const fault = notPem(text, "certificate");
  if (fault) return { fault };
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return text.includes("CERTIFICATE-----")
      ? {
          fault:
            "also contains a private key, which every user of the host could read: put it into serve.tls.key, as a secret",
        }
      : { fault: "holds a private key in place of a certificate: the two may have been swapped" };
  }
  if (/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(text))
    return { fault: "holds a request for a certificate, not what the authority made of it" };
  if (/-----BEGIN PKCS7-----/.test(text))
    return {
      fault: "is PKCS #7: `openssl pkcs7 -print_certs` makes the PEM certificates of it that nginx reads",
    };
  const label = "(?:X509 |TRUSTED )?CERTIFICATE";
  const { blocks, certificates: chain, damaged } = certificatesIn(text, label);
  const begun = text.match(new RegExp(`-----BEGIN ${label}-----`, "g"))?.length ?? 0;
  if (begun === 0) return { fault: "holds no PEM certificate (-----BEGIN CERTIFICATE-----)" };
  if (begun !== blocks) return { fault: "is cut off: a certificate in it has no end" };
  if (damaged) return { fault: `cannot be read: its certificate number ${damaged} is damaged` };
  return { chain };
}

function privateKeyOf(text: string): { readonly key?: KeyObject; readonly fault?: string } {
  const fault = notPem(text, "private key");
  if (fault) return { fault };
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    return {
      fault:
        "is encrypted, and nginx cannot ask for its passphrase when it starts: `openssl pkey -in KEY` writes it without one; set that as a secret",
    };
  }
  if (text.includes("-----BEGIN OPENSSH PRIVATE KEY-----"))
    return { fault: "is a key in OpenSSH's format, which nginx does not read: declare it as PEM" };
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    const what = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
    return {
      fault: `holds no private key${what ? ` but a ${what.toLowerCase()}` : " (-----BEGIN PRIVATE KEY-----)"}`,
    };
  }
  try {
    return { key: createPrivateKey(text) };
  } catch {
    return { fault: "cannot be read: it is damaged or cut off" };
  }
}

function notPem(text: string, what: string): string | undefined {
  if (text.trim() === "") return "is empty";
  if (text.includes("-----BEGIN ")) return undefined;
  if (/[\0\ufffd]/.test(text) || text.startsWith("0\u0082"))
    return `is no PEM text, but perhaps DER: \`openssl ${what === "certificate" ? "x509" : "pkey"} -inform der\` makes PEM of it`;
  if (/^[~./]?[\w./~-]+$/.test(text.trim()) && text.trim().length < 200)
    return `is no PEM ${what}: declare the text of the file, not its name`;
  return `holds no PEM ${what} (-----BEGIN ${what.toUpperCase()}-----)`;
}

/** OpenSSL of Debian and Ubuntu refuses these at its default security level, and nginx then does not start. */
function weakness(key: KeyObject): string | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < 2048)
    return `has a key of ${modulusLength} bits, which OpenSSL refuses: at least 2048 are required`;
  if (namedCurve !== undefined && /(192|160|163|113|131)/.test(namedCurve))
    return `has a key on the curve ${namedCurve}, which OpenSSL refuses`;
  return undefined;
}

function chainWarnings(chain: readonly X509Certificate[]): string[] {
  const broken = chain.findIndex((each, index) => {
    const next = chain[index + 1];
    return next !== undefined && !each.checkIssued(next);
  });
  if (broken < 0) return [];
  return [
    `the chain is out of order: certificate number ${broken + 2} did not sign the one before it (${ownerOf(chain[broken] as X509Certificate)}), and some clients then cannot build the chain to the authority`,
  ];
}

function dateWarnings(chain: readonly X509Certificate[], now: Date): string[] {
  return chain.flatMap((each) => {
    const [from, to] = [Date.parse(each.validFrom), Date.parse(each.validTo)];
    if (to < now.getTime()) return [`${ownerOf(each)} expired on ${day(each.validTo)}: clients refuse it`];
    if (from > now.getTime())
      return [`${ownerOf(each)} is valid only from ${day(each.validFrom)}: clients refuse it until then`];
    return to - now.getTime() < soonMs ? [`${ownerOf(each)} expires on ${day(each.validTo)}`] : [];
  });
}

function nameWarnings(leaf: X509Certificate, names: readonly string[]): string[] {
  const bare = (name: string) => name.replace(/^\[(.*)\]$/, "$1");
  // Current clients ignore a name in the subject.
  const missing = [...new Set(names)].filter((name) =>
    isIP(bare(name)) ? !leaf.checkIP(bare(name)) : !leaf.checkHost(name, { subject: "never" }),
  );
  if (missing.length === 0) return [];
  return [
    `it is not for ${missing.join(", ")} (its names: ${leaf.subjectAltName ?? "none"}): clients that ask by that name refuse it`,
  ];
}

function ownerOf({ subject, subjectAltName }: X509Certificate): string {
  const common = /^CN=(.*)$/m.exec(subject ?? "")?.[1];
  return common ?? subjectAltName ?? (subject?.replaceAll("\n", ", ") || "a certificate without a subject");
}

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

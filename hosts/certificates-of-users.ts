import { type Certificate, invalidAt } from "./certificates.ts";
import { fingerprint, keyType } from "./known-hosts.ts";

/** A certificate that a login can be tried with. */
export interface Shown {
  readonly certificate: Certificate;
  /** A file, or how else people know it. */
  readonly where: string;
}

/**
 * Why a host may have refused certificates, as far as it can be seen from here. Said only when a login was
 * refused: it is the host that decides, by its own clock and its own lists.
 *
 * @param now milliseconds since 1970
 * @returns clauses for people, and what to do; no remedy where there is no certificate
 */
export function userCertificateWarnings(
  shown: readonly Shown[],
  user: string,
  now: number,
): { found: readonly string[]; remedy: string | undefined } {
  const found: string[] = [];
  let remedy: string | undefined;
  for (const { certificate, where } of shown) {
    const doubt = doubtAbout(certificate, user, now);
    if (!doubt) continue;
    found.push(`the certificate ${where} ${doubt.found}`);
    remedy ??= doubt.remedy;
  }
  const [first] = shown;
  if (!first) return { found, remedy: undefined };
  const { authority } = first.certificate;
  return {
    found,
    remedy:
      remedy ??
      `See the SSH server's log on the host (\`journalctl -u ssh\`). Its TrustedUserCAKeys must name the authority of the certificate (${keyType(authority)} ${fingerprint(authority)}), and its clock must be right.`,
  };
}

function doubtAbout(
  certificate: Certificate,
  user: string,
  now: number,
): { found: string; remedy: string } | undefined {
  if (certificate.use !== "user") {
    return {
      found: "is one for hosts",
      remedy: "Name a certificate for users in CertificateFile (`ssh-keygen -s CA_KEY` without -h).",
    };
  }
  const invalid = invalidAt(certificate, now);
  if (invalid) {
    return {
      found: invalid.found,
      remedy: invalid.early
        ? "Set the clock of this machine, if it is wrong; else wait, or get another certificate."
        : "Get a new certificate from your authority. If the time here is wrong, set the clock of this machine.",
    };
  }
  const { principals, criticalOptions } = certificate;
  if (!principals.includes(user)) {
    const whom = principals.length > 0 ? `is for ${principals.join(", ")}, not for ${user}` : "is for nobody";
    return {
      found: whom,
      remedy: `Get a certificate for ${user} (\`ssh-keygen -s CA_KEY -n ${user} ...\`), log in as a user whom it is for (User), or let the host map them (AuthorizedPrincipalsFile).`,
    };
  }
  if (criticalOptions.length > 0) {
    return {
      found: `has conditions (${criticalOptions.join(", ")})`,
      remedy:
        "Log in from where the certificate's source-address allows it, or get a certificate without conditions.",
    };
  }
  return undefined;
}

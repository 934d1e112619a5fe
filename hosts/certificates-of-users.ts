import { type Certificate, invalidAt } from "./certificates.ts";
import { fingerprint, keyType } from "./known-hosts.ts";

/** A certificate that is offered in a login. */
export interface Shown {
  readonly certificate: Certificate;
  /** Its file, or its name in the agent. */
  readonly where: string;
}

/**
 * Why a host may have refused certificates, as far as this machine can tell. Used only after a refused login: the host
 * decides, by its own clock and lists.
 *
 * @param now Milliseconds since 1970.
 * @returns Clauses for messages, and a remedy. There is no remedy without a certificate.
 */
export function userCertificateWarnings(
  shown: readonly Shown[],
  user: string,
  now: number,
): { found: readonly string[]; remedy: string | undefined } {
  const found: string[] = [];
  let remedy: string | undefined;
  for (const { certificate, where } of shown) {
    const problem = problemWith(certificate, user, now);
    if (!problem) continue;
    found.push(`the certificate ${where} ${problem.found}`);
    remedy ??= problem.remedy;
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

function problemWith(
  certificate: Certificate,
  user: string,
  now: number,
): { found: string; remedy: string } | undefined {
  if (certificate.use !== "user") {
    return {
      found: "is a host certificate",
      remedy: "Name a user certificate in CertificateFile (`ssh-keygen -s CA_KEY` without -h).",
    };
  }
  const invalid = invalidAt(certificate, now);
  if (invalid) {
    return {
      found: invalid.found,
      remedy: invalid.early
        ? "If the clock of this machine is wrong, set it. Otherwise wait, or get another certificate."
        : "Get a new certificate from your authority. If the clock of this machine is wrong, set it.",
    };
  }
  const { principals, criticalOptions } = certificate;
  if (!principals.includes(user)) {
    const found =
      principals.length > 0
        ? `is for ${principals.join(", ")}, not for ${user}`
        : "is not valid for any user";
    return {
      found,
      remedy: `Get a certificate for ${user} (\`ssh-keygen -s CA_KEY -n ${user} ...\`), log in as one of its users (User), or let the host map them (AuthorizedPrincipalsFile).`,
    };
  }
  if (criticalOptions.length > 0) {
    return {
      found: `has critical options (${criticalOptions.join(", ")})`,
      remedy:
        "Log in from where the certificate's source-address allows it, or get a certificate without critical options.",
    };
  }
  return undefined;
}

import { X509Certificate } from "node:crypto";

/**
 * The certificates in a text of PEM blocks (RFC 7468), in order.
 *
 * @param label A regular expression for the label of the blocks.
 * @returns The number of blocks, the certificates before the first damaged one, and the number of that one, from 1.
 */
export function certificatesIn(
  text: string,
  label = "CERTIFICATE",
): {
  readonly blocks: number;
  readonly certificates: readonly X509Certificate[];
  readonly damaged: number | undefined;
} {
  const blocks =
    text.match(new RegExp(`-----BEGIN ${label}-----[\\s\\S]*?-----END ${label}-----`, "g")) ?? [];
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return { blocks: blocks.length, certificates, damaged: certificates.length + 1 };
    }
  }
  return { blocks: blocks.length, certificates, damaged: undefined };
}

import { X509Certificate } from "node:crypto";

/**
 * The certificates in a text of PEM blocks (RFC 7468), in their order.
 *
 * @param label of the blocks, as a regular expression
 * @returns how many blocks there are, the certificates up to the first that cannot be read, and that one's number, from 1
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

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";

/** One line of a known_hosts file. Format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
export interface KnownHost {
  readonly marker: "revoked" | "cert-authority" | undefined;
  readonly patterns: string;
  readonly type: string;
  readonly key: Buffer;
  /** `file:line`, for messages. */
  readonly where: string;
}

/** The known_hosts entries for one host. */
export interface KnownKeys {
  readonly trusted: readonly KnownHost[];
  /** Whether the trusted keys are those of the bare name of a host on another port than 22. */
  readonly ofBareName?: boolean;
  readonly revoked: readonly KnownHost[];
  readonly authorities: readonly KnownHost[];
}

type Verdict = "known" | "changed" | "revoked" | "unknown";

/** Reads known_hosts files in order. Missing files count as empty. */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const read = files.map(async (file) => {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return "";
      throw error;
    });
    return parseKnownHosts(text, file);
  });
  return (await Promise.all(read)).flat();
}

export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split("\n").flatMap((line, index) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) return [];
    const marker = words[0]?.startsWith("@") ? words.shift()?.slice(1) : undefined;
    const [patterns, type, base64] = words;
    if (!patterns || !type || !base64) return [];
    // An unknown marker may be a restriction: such a line must not make a key trusted.
    if (marker !== undefined && marker !== "revoked" && marker !== "cert-authority") return [];
    const key = Buffer.from(base64, "base64");
    return keyType(key) === type ? [{ marker, patterns, type, key, where: `${file}:${index + 1}` }] : [];
  });
}

/**
 * The lines for a host. A host on another port than 22 is listed as `[name]:port`. As in ssh, a key of the bare name
 * is also accepted there, but a missing or different one has no effect.
 */
export function keysFor(
  hosts: readonly KnownHost[],
  hostname: string,
  port: number,
  alias?: string,
): KnownKeys {
  const bare = (alias ?? hostname).toLowerCase();
  const names = alias || port === 22 ? [bare] : [`[${bare}]:${port}`, bare];
  const matching = names.map((name) => hosts.filter((host) => matches(host.patterns, name)));
  const first = matching.find((group) => group.some((host) => host.marker === undefined)) ?? [];
  return {
    ofBareName: names.length > 1 && first === matching[1],
    trusted: first.filter((host) => host.marker === undefined),
    revoked: matching.flat().filter((host) => host.marker === "revoked"),
    authorities: matching.flat().filter((host) => host.marker === "cert-authority"),
  };
}

/** Whether to trust the key that a server has just proved to own. */
export function verdictOn(known: KnownKeys, key: Buffer): Verdict {
  const among = (hosts: readonly KnownHost[]) => hosts.some((host) => host.key.equals(key));
  if (among(known.revoked)) return "revoked";
  if (among(known.trusted)) return "known";
  return known.trusted.length > 0 && !known.ofBareName ? "changed" : "unknown";
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** The key type in a public key blob. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return "";
  const length = key.readUInt32BE(0);
  return length > 64 ? "" : key.toString("latin1", 4, 4 + length);
}

function matches(patterns: string, name: string): boolean {
  if (patterns.startsWith("|")) return matchesHash(patterns, name);
  let matched = false;
  for (const pattern of patterns.split(",")) {
    const negated = pattern.startsWith("!");
    if (!matchesWildcards((negated ? pattern.slice(1) : pattern).toLowerCase(), name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesHash(text: string, name: string): boolean {
  const [, version, salt, hash] = text.split("|");
  if (version !== "1" || !salt || !hash) return false;
  const expected = Buffer.from(hash, "base64");
  const actual = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function matchesWildcards(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(name);
}

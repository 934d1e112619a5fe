import { readFile } from "node:fs/promises";
import ssh2, { type AnyAuthMethod, type ParsedKey } from "ssh2";
import type { Destination } from "./destination.ts";

/** How to log in, and what to say when none of it is accepted. */
export interface Identities {
  readonly methods: readonly AnyAuthMethod[];
  /** What will be tried, for people: `key ~/.ssh/id_ed25519`, `agent (2 keys)`. */
  readonly offered: readonly string[];
  /** Key files that need a passphrase, which only an agent can be asked for. */
  readonly encrypted: readonly string[];
  /** Other reasons why something configured cannot be offered. */
  readonly problems: readonly string[];
}

/**
 * The keys to offer, in ssh's order: the agent's keys that the configuration names, its other keys, then key
 * files. With IdentitiesOnly, only what the configuration names.
 */
export async function identitiesFor(destination: Destination): Promise<Identities> {
  const username = destination.user;
  const files = await Promise.all(destination.identityFiles.map(readIdentity));
  const problems = files.flatMap(({ problem }) => (problem ? [problem] : []));
  const configured = files.flatMap(({ publicBlob }) => (publicBlob ? [publicBlob] : []));

  const methods: AnyAuthMethod[] = [];
  const offered: string[] = [];
  let held: ParsedKey[] = [];
  if (destination.agent) {
    const agent = new ConfiguredAgent(destination.agent, configured, destination.identitiesOnly);
    held = await agent.list().catch((error: Error) => {
      problems.push(`the agent at ${destination.agent} does not answer (${error.message})`);
      return [];
    });
    if (held.length > 0) {
      methods.push({ type: "agent", username, agent });
      offered.push(`agent (${held.length} ${held.length === 1 ? "key" : "keys"})`);
    }
  }
  const inAgent = (blob: Buffer | undefined) =>
    blob !== undefined && held.some((key) => key.getPublicSSH().equals(blob));
  const encrypted: string[] = [];
  for (const { file, key, publicBlob, locked } of files) {
    if (inAgent(publicBlob)) continue;
    if (locked) encrypted.push(file);
    if (!key) continue;
    methods.push({ type: "publickey", username, key });
    offered.push(`key ${file}`);
  }
  return { methods, offered, encrypted, problems };
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
  const parsed = ssh2.utils.parseKey(content);
  const key = firstKey(parsed);
  if (key) {
    const blob = key.getPublicSSH();
    return key.isPrivateKey() ? { file, key, publicBlob: blob } : { file, publicBlob: blob };
  }
  const message = parsed instanceof Error ? parsed.message : "unknown format";
  const known = publicBlob ? { publicBlob } : {};
  if (/passphrase|encrypted/i.test(message)) return { file, locked: true, ...known };
  return { file, problem: `${file} is not a usable key (${message})`, ...known };
}

function firstKey(parsed: ParsedKey | Error | ParsedKey[]): ParsedKey | undefined {
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key instanceof Error ? undefined : key;
}

/** An agent that offers the configured keys first, and no others where the configuration says so. */
class ConfiguredAgent extends ssh2.OpenSSHAgent {
  readonly #configured: readonly Buffer[];
  readonly #only: boolean;

  constructor(socket: string, configured: readonly Buffer[], only: boolean) {
    super(socket);
    this.#configured = configured;
    this.#only = only;
  }

  list(): Promise<ParsedKey[]> {
    return new Promise((resolve, reject) =>
      this.getIdentities((error, keys) => (error ? reject(error) : resolve((keys ?? []) as ParsedKey[]))),
    );
  }

  override getIdentities(done: Parameters<ssh2.OpenSSHAgent["getIdentities"]>[0]): void {
    super.getIdentities((error, keys) => {
      if (error) return done(error);
      const rank = (key: ParsedKey) => {
        const blob = key.getPublicSSH();
        const index = this.#configured.findIndex((configured) => configured.equals(blob));
        return index < 0 ? Number.POSITIVE_INFINITY : index;
      };
      const all = ((keys ?? []) as ParsedKey[])
        .map((key) => ({ key, rank: rank(key) }))
        .filter((entry) => !this.#only || Number.isFinite(entry.rank));
      all.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank));
      done(
        undefined,
        all.map((entry) => entry.key),
      );
    });
  }
}

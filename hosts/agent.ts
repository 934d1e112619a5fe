import { connect } from "node:net";
import ssh2, { type ParsedKey } from "ssh2";
import { type Certificate, isCertificateType, readCertificate } from "./certificates.ts";
import { askedOfAgent, certificateOf, withCertificate } from "./certified-login.ts";
import { keyType } from "./known-hosts.ts";
import { Malformed, WireReader } from "./wire-format.ts";

const requestIdentities = 11;
const identitiesAnswer = 12;
/** As OpenSSH has it (MAX_AGENT_REPLY_LEN). */
const longestAnswer = 256 * 1024;
const patienceMs = 20_000;

/** What an agent holds. */
interface Held {
  readonly keys: readonly ParsedKey[];
  /** What it holds and cannot be used, for people. */
  readonly problems: readonly string[];
}

/**
 * An agent that offers the configured keys first, and no others where the configuration says so; each behind its
 * certificates, which the agent may hold itself or which lie in files.
 */
export class ConfiguredAgent extends ssh2.OpenSSHAgent {
  readonly #socket: string;
  readonly #configured: readonly Buffer[];
  readonly #certificates: readonly Certificate[];
  readonly #only: boolean;

  /** @param certificates from files, for whichever of the agent's keys they fit */
  constructor(
    socket: string,
    configured: readonly Buffer[],
    certificates: readonly Certificate[],
    only: boolean,
  ) {
    super(socket);
    this.#socket = socket;
    this.#configured = configured;
    this.#certificates = certificates;
    this.#only = only;
  }

  /** In the order of offering. */
  async list(): Promise<Held> {
    const problems: string[] = [];
    const found: { key: ParsedKey; rank: number }[] = [];
    const rank = (blob: Buffer) => {
      const index = this.#configured.findIndex((configured) => configured.equals(blob));
      return index < 0 ? Number.POSITIVE_INFINITY : index;
    };
    const blobs = await heldBlobs(this.#socket);
    for (const blob of blobs) {
      const type = keyType(blob);
      if (isCertificateType(type)) {
        const key = readHeld(blob, problems);
        const listed = this.#certificates.some((certificate) => certificate.blob.equals(blob));
        const certificate = key && certificateOf(key);
        if (key && certificate && (listed || !this.#only))
          found.push({ key, rank: rank(certificate.plainKey) });
        continue;
      }
      const plain = ssh2.utils.parseKey(blob);
      if (plain instanceof Error) {
        problems.push(unusableKey("a key in the agent", type));
        continue;
      }
      // Files may fit keys that the configuration does not name otherwise: CertificateFile names them.
      const fitting = this.#certificates.filter(
        (certificate) =>
          certificate.plainKey.equals(blob) && !blobs.some((other) => other.equals(certificate.blob)),
      );
      for (const certificate of fitting)
        found.push({ key: withCertificate(plain, certificate), rank: rank(blob) });
      found.push({ key: plain, rank: rank(blob) });
    }
    const offered = found.filter(
      ({ key, rank }) => !this.#only || Number.isFinite(rank) || certificateOf(key) !== undefined,
    );
    // Sorting keeps the order of equals, and certificates go before their keys.
    const before = (key: ParsedKey) => (certificateOf(key) ? 0 : 1);
    offered.sort((a, b) => (a.rank === b.rank ? before(a.key) - before(b.key) : a.rank < b.rank ? -1 : 1));
    return { keys: offered.map(({ key }) => key), problems };
  }

  override getIdentities(done: Parameters<ssh2.OpenSSHAgent["getIdentities"]>[0]): void {
    this.list().then(
      ({ keys }) => done(undefined, [...keys]),
      (error: Error) => done(error),
    );
  }

  override sign(
    key: string | Buffer | ParsedKey,
    data: Buffer,
    options: ssh2.SigningRequestOptions | ssh2.SignCallback = {},
    done?: ssh2.SignCallback,
  ): boolean {
    // ssh2 itself gives options, and then the function to be called.
    const callback = done ?? (options as ssh2.SignCallback);
    const plainly = done ? (options as ssh2.SigningRequestOptions) : {};
    const asked = askedOfAgent(key as ParsedKey);
    if (!asked) return super.sign(key, data, plainly, callback);
    return super.sign(asked.key, data, asked.hash ? { hash: asked.hash } : {}, callback);
  }
}

/** What to say of a key of a type that cannot be used here. */
export function unusableKey(what: string, type: string): string {
  if (/^sk-/.test(type)) return `${what} lives in a FIDO security key (${type}), which is not supported`;
  return `${what} is of a type that is not supported (${type || "unknown"})`;
}

function readHeld(blob: Buffer, problems: string[]): ParsedKey | undefined {
  try {
    const certificate = readCertificate(blob);
    const plain = ssh2.utils.parseKey(certificate.plainKey);
    if (plain instanceof Error) throw new Malformed(plain.message);
    return withCertificate(plain, certificate, blob);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    problems.push(`a certificate in the agent cannot be used: ${error.message}`);
    return undefined;
  }
}

/** The public halves of all that an agent holds. ssh2 leaves out what it does not know, so certificates. */
function heldBlobs(path: string): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let received = Buffer.alloc(0);
    const end = (error: Error | undefined, blobs: Buffer[] = []) => {
      socket.destroy();
      if (error) reject(error);
      else resolve(blobs);
    };
    socket.setTimeout(patienceMs, () => end(new Error(`no answer within ${patienceMs / 1000} s`)));
    socket.on("error", end);
    socket.on("close", () => end(new Error("it hung up")));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      const length = received.readUInt32BE(0);
      if (length > longestAnswer) return end(new Error("its answer is too long"));
      if (received.length < 4 + length) return;
      try {
        end(undefined, identities(received.subarray(4, 4 + length)));
      } catch (error) {
        end(error as Error);
      }
    });
    socket.write(Buffer.from([0, 0, 0, 1, requestIdentities]));
  });
}

function identities(answer: Buffer): Buffer[] {
  if (answer[0] !== identitiesAnswer) throw new Malformed("it does not tell what it holds");
  const reader = new WireReader(answer.subarray(1));
  const count = reader.uint32();
  const blobs: Buffer[] = [];
  while (blobs.length < count) {
    blobs.push(reader.string());
    reader.string(); // The comment.
  }
  return blobs;
}

import { connect } from "node:net";
import ssh2, { type ParsedKey } from "ssh2";
import { type Certificate, isCertificateType, readCertificate } from "./certificates.ts";
import { agentSigningRequest, certificateOf, withCertificate } from "./certified-login.ts";
import { keyType } from "./known-hosts.ts";
import { TimeLimit } from "./time-limit.ts";
import { Malformed, WireReader } from "./wire-format.ts";

const requestIdentities = 11;
const identitiesAnswer = 12;
/** The same limit as OpenSSH (MAX_AGENT_REPLY_LEN). */
const maximumAnswerBytes = 256 * 1024;
const timeoutMs = 20_000;

/** The contents of an agent. */
interface Held {
  readonly keys: readonly ParsedKey[];
  /** Keys and certificates in it that cannot be used, as text for messages. */
  readonly problems: readonly string[];
}

/**
 * An agent that offers the configured keys first, and only those if the configuration says so. The certificates of a
 * key are offered before it. They come from the agent or from files.
 */
export class ConfiguredAgent extends ssh2.OpenSSHAgent {
  readonly #socket: string;
  readonly #configured: readonly Buffer[];
  readonly #certificates: readonly Certificate[];
  readonly #only: boolean;

  /** @param certificates From files. Each is offered with the key of the agent that it belongs to. */
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

  /** In the order in which they are offered. */
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
      // CertificateFile may name a certificate whose key the configuration does not name.
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
    // The sort is stable. Certificates come before their keys.
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
    // ssh2 passes options first, then the callback.
    const callback = done ?? (options as ssh2.SignCallback);
    const plainOptions = done ? (options as ssh2.SigningRequestOptions) : {};
    const request = agentSigningRequest(key as ParsedKey);
    if (!request) return super.sign(key, data, plainOptions, callback);
    return super.sign(request.key, data, request.hash ? { hash: request.hash } : {}, callback);
  }
}

/** The message for a key whose type is not supported. */
export function unusableKey(what: string, type: string): string {
  if (/^sk-/.test(type)) return `${what} is on a FIDO security key (${type}), which is not supported`;
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

/** The public keys of everything in an agent, certificates included. ssh2's own list leaves out certificates. */
function heldBlobs(path: string): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let received = Buffer.alloc(0);
    const end = (error: Error | undefined, blobs: Buffer[] = []) => {
      limit.end();
      socket.destroy();
      if (error) reject(error);
      else resolve(blobs);
    };
    const limit = new TimeLimit(timeoutMs, () => end(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.on("error", end);
    socket.on("close", () => end(new Error("it closed the connection")));
    socket.on("data", (chunk) => {
      limit.refresh();
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      const length = received.readUInt32BE(0);
      if (length > maximumAnswerBytes) return end(new Error("its answer is too long"));
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
  if (answer[0] !== identitiesAnswer) throw new Malformed("it does not list its keys");
  const reader = new WireReader(answer.subarray(1));
  const count = reader.uint32();
  const blobs: Buffer[] = [];
  while (blobs.length < count) {
    blobs.push(reader.string());
    reader.string(); // The comment.
  }
  return blobs;
}

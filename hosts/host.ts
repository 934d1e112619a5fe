import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

/**
 * A machine reached over SSH, named as one would type it after `ssh`.
 *
 * Everything runs as root: through a root login, or with `sudo -n` for any other user. Every failure
 * that has a cause outside the code is thrown as an ExplainedError that names the host and the step.
 */
export interface Host {
  /** As one would type it after `ssh`. */
  readonly name: string;

  /**
   * Runs a POSIX sh script as root and returns what it printed. The script travels on the standard input
   * of `sh`, never in an argument, and starts with `LC_ALL=C.UTF-8`, a full `PATH` and umask 022.
   * The script and all its children end when the connection, or this process, does.
   *
   * @throws ExplainedError when it exits non-zero (unless `allowFailure`), when it takes longer than
   * `timeoutMs`, when the connection is lost.
   */
  run(script: string, options?: RunOptions): Promise<RunResult>;

  /**
   * Reads something from the host. All probes asked of one host at about the same time travel as one script
   * in one channel; equal probes run once.
   */
  facts<T>(probe: Probe<T>): Promise<T>;

  /**
   * Replaces a file, whole or not at all: written beside `path` under a hidden name, with its owner and mode
   * set before the first byte, synced, and renamed over it. A symlink at `path` is replaced, not followed.
   * The directory must exist.
   */
  upload(source: UploadSource, path: string, attributes: FileAttributes): Promise<void>;

  /**
   * An HTTP(S) request made from the host: its name resolution, its routes, its firewall. Any status is a
   * result, not an error. Nothing is tried twice; what gets no
   * answer is thrown as TransferFailure. Certificates are checked here, with this machine's authorities (`NODE_EXTRA_CA_CERTS` adds to them) unless `ca` names others.
   */
  fetch(url: string, options?: FetchOptions): Promise<FetchResult>;

  /**
   * Does `work` while holding a named lock on the host. The lock frees itself when the holder's connection
   * ends, for whatever reason. `work` is given a signal that aborts when the lock is lost underway.
   */
  withLock<T>(name: string, work: (signal: AbortSignal) => Promise<T>, options?: LockOptions): Promise<T>;

  /**
   * Long work, as a transient systemd unit that outlives this connection and this process. Where the same
   * job (name, script and input) runs already, this attaches to it; where another one runs under the name, it
   * waits for that to end first.
   */
  job(job: Job): Promise<JobResult>;
}

export interface RunOptions {
  /** The script's standard input. Default: empty. The script never sees a part of it as if it were all. */
  readonly input?: string | Buffer | Readable;
  /** Milliseconds until the script and its children are ended. Default: no limit. */
  readonly timeoutMs?: number;
  /** Ends the script and its children when aborted. */
  readonly signal?: AbortSignal;
  /** Called for each whole line as it arrives. */
  readonly onOutput?: (line: string, stream: "stdout" | "stderr") => void;
  /** Return a non-zero exit instead of throwing. Default false. */
  readonly allowFailure?: boolean;
  /** What this is for, as a gerund phrase, used in errors. Default "running a command". */
  readonly step?: string;
  /** Values that must not appear in any error. */
  readonly secrets?: readonly string[];
}

export interface RunResult {
  /** Exit status, 0 unless `allowFailure`. 128 + n when signal n ended it. */
  readonly code: number;
  /** Everything printed, decoded as UTF-8, untrimmed. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A question to a host: a fragment of sh without any effect, and how to read its answer. */
export interface Probe<T> {
  /** Runs as root, in a subshell of its own, without standard input. A non-zero exit rejects this probe alone. */
  readonly script: string;
  /** Given everything the script printed on standard output. */
  parse(output: string): T;
}

export type UploadSource = Buffer | { readonly file: string } | Readable;

export interface FileAttributes {
  /** Permission bits, e.g. 0o644. */
  readonly mode: number;
  /** A name or a number that exists on the host. */
  readonly owner: string;
  readonly group: string;
}

export interface FetchOptions {
  /**
   * `HEAD` asks whether something is there without having it sent. A server that does not take it (400, 403, 405,
   * 501) is asked with GET, and the connection is closed when its answer begins. Default `GET`.
   */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Sent with its length. Default: none. */
  readonly body?: Buffer;
  /**
   * `follow` goes up to 5 redirects further; `refuse` fails, naming where it leads. Only GET and HEAD can
   * be followed: of another method's redirect servers and clients make different things.
   * Default `follow` for GET and HEAD, else `refuse`.
   */
  readonly redirects?: "follow" | "refuse";
  /** PEM texts of the authorities whose certificates are accepted, instead of this machine's. */
  readonly ca?: string;
  /** A longer body is an error. Default 64 MiB. */
  readonly maximumBytes?: number;
  /** Milliseconds without a single byte, after which the server counts as stalled. Default 30000. */
  readonly timeoutMs?: number;
  /**
   * Bytes a second that have to come, measured over half a minute at least: whoever sends less is given up, so that no
   * transfer lasts for ever. Default 500; 0 for no such limit.
   */
  readonly slowestBytesPerSecond?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An `Authorization` header that may be sent again, to the origin of the URL alone: where redirects lead never gets it. */
  readonly authorization?: string;
  /** Shown, like `authorization`, to the origin of the URL alone. */
  readonly clientCertificate?: ClientCertificate;
  /** Through which the host reaches the server. */
  readonly proxy?: HttpProxy;
}

/** PEM texts of a certificate chain and its private key. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** An HTTP proxy, as seen from the host. */
export interface HttpProxy {
  /** `http://` or `https://`, host and port. */
  readonly url: string;
  /** A `Proxy-Authorization` header. */
  readonly authorization?: string;
  /** PEM texts of the authorities whose certificates an https proxy may have, instead of this machine's. */
  readonly ca?: string;
}

export interface FetchResult {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Where the body came from, after redirects. */
  readonly url: string;
  /** Whether it was the proxy that answered, and not the server. */
  readonly byProxy?: boolean;
}

export interface LockOptions {
  /** Milliseconds to wait for a holder to finish. Default 0: fail at once, saying who holds it. */
  readonly waitMs?: number;
  /** Called once when somebody else holds it, with a line that says who and since when. */
  readonly onWait?: (holder: string) => void;
}

export interface Job {
  /** Names the unit (`airgapped-maas-<name>.service`); letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /** POSIX sh, run as root. What it prints is its progress, and its last lines explain its failure. */
  readonly script: string;
  /** A file the script finds at `$JOB_INPUT`. */
  readonly input?: Buffer | undefined;
  /**
   * What of it is secret: a file that the script finds at `$JOB_SECRET`. It is in memory, for root alone, and gone when the
   * job ends; the script may remove it as soon as it has read it.
   */
  readonly secret?: string | undefined;
  /** Called for each line the job prints; all lines from its start when attaching to a running one. */
  readonly onProgress?: (line: string) => void;
  /** Milliseconds without a line, after which the job is stopped and reported as stalled. Default: no limit. */
  readonly stallMs?: number;
  /** Return a non-zero exit instead of throwing. Default false. */
  readonly allowFailure?: boolean;
  /** What this is for, as a gerund phrase, used in errors. Default "running the job NAME". */
  readonly step?: string;
}

export interface JobResult {
  readonly code: number;
  /** The last lines printed, at most 50. */
  readonly tail: readonly string[];
  /** Whether it was running already. */
  readonly attached: boolean;
}

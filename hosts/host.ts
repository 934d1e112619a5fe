import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

/**
 * A machine reached over SSH, named as you would type it after `ssh`.
 *
 * Everything runs as root: through a root login, or with `sudo -n` for any other user. Every failure with a cause
 * outside the code is thrown as an ExplainedError that names the host and the step.
 */
export interface Host {
  /** As you would type it after `ssh`. */
  readonly name: string;

  /**
   * Runs a POSIX sh script as root and returns its output. The script is sent on the standard input of `sh`, never in
   * an argument, and starts with `LC_ALL=C.UTF-8`, a full `PATH` and umask 022. The script and all its children end
   * when the connection, or this process, ends.
   *
   * @throws ExplainedError when it exits non-zero (unless `allowFailure`), when it takes longer than `timeoutMs`, when
   * the connection is lost.
   */
  run(script: string, options?: RunOptions): Promise<RunResult>;

  /**
   * Reads something from the host. Probes requested at about the same time are sent as one script in one channel;
   * equal probes run once.
   */
  facts<T>(probe: Probe<T>): Promise<T>;

  /**
   * Replaces a file atomically: it is written beside `path` under a hidden name, with its owner and mode set before
   * the first byte, synced, and renamed to `path`. A symlink at `path` is replaced, not followed. The directory must
   * exist.
   */
  upload(source: UploadSource, path: string, attributes: FileAttributes): Promise<void>;

  /**
   * An HTTP(S) request made from the host: with its name resolution, its routes, its firewall. Any status is a result,
   * not an error. There are no retries; a request without an answer throws TransferFailure. Certificates are checked
   * by this process, against this machine's authorities (`NODE_EXTRA_CA_CERTS` adds to them) unless `ca` names others.
   */
  fetch(url: string, options?: FetchOptions): Promise<FetchResult>;

  /**
   * Long work, as a transient systemd unit that continues without this connection and this process. If the same job
   * (name, script and input) is running, this attaches to it. If another job runs under the name, it waits until that
   * ends.
   */
  job(job: Job): Promise<JobResult>;
}

export interface RunOptions {
  /**
   * The script's standard input. Default: empty. If it cannot be sent completely, the script is ended before it sees
   * the end of its input.
   */
  readonly input?: string | Buffer | Readable;
  /** Milliseconds until the script and its children are ended. Default: no limit. */
  readonly timeoutMs?: number;
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

/** A read-only fragment of sh, and the parser of its output. */
export interface Probe<T> {
  /** Runs as root, in a separate subshell, without standard input. A non-zero exit rejects this probe alone. */
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
   * `HEAD` asks whether something exists without downloading it. A server that does not support it (400, 403, 405,
   * 501) gets a GET, and the connection is closed when its answer begins. Default `GET`.
   */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Sent with its length. Default: none. */
  readonly body?: Buffer;
  /**
   * `follow` follows up to 5 redirects; `refuse` fails with an error that names the target. Only GET and HEAD can be
   * followed: for other methods servers and clients differ in what a redirect means. Default `follow` for GET and
   * HEAD, else `refuse`.
   */
  readonly redirects?: "follow" | "refuse";
  /** PEM texts of the authorities whose certificates are accepted, instead of this machine's. */
  readonly ca?: string;
  /** A longer body is an error. Default 64 MiB. */
  readonly maximumBytes?: number;
  /** Milliseconds without a single byte, after which the server counts as stalled. Default 30000. */
  readonly timeoutMs?: number;
  /**
   * Minimum bytes per second, measured over at least half a minute. A slower transfer is ended, so that none lasts for
   * ever. Default 500; 0 for no limit.
   */
  readonly slowestBytesPerSecond?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * An `Authorization` header that may be sent again. Only the origin of the URL gets it, never the target of a
   * redirect.
   */
  readonly authorization?: string;
  /** Like `authorization`, only for the origin of the URL. */
  readonly clientCertificate?: ClientCertificate;
  /** The proxy through which the host reaches the server. */
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
  /** PEM texts of the authorities that are accepted for an https proxy, instead of this machine's. */
  readonly ca?: string;
}

export interface FetchResult {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Where the body came from, after redirects. */
  readonly url: string;
  /** Whether the proxy answered instead of the server. */
  readonly byProxy?: boolean;
}

export interface Job {
  /** Names the unit (`airgapped-maas-<name>.service`); letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /** POSIX sh, run as root. Its output is its progress, and the last lines explain a failure. */
  readonly script: string;
  /** Content of the file `$JOB_INPUT`. */
  readonly input?: Buffer | undefined;
  /**
   * Secret content of the file `$JOB_SECRET`. It is in memory, readable by root only, and removed when the job ends.
   * The script may remove it as soon as it has read it.
   */
  readonly secret?: string | undefined;
  /** Called for each line of output. When attaching to a running job, for all lines from its start. */
  readonly onProgress?: (line: string) => void;
  /** Return a non-zero exit instead of throwing. Default false. */
  readonly allowFailure?: boolean;
  /** What this is for, as a gerund phrase, used in errors. Default "running the job NAME". */
  readonly step?: string;
}

export interface JobResult {
  readonly code: number;
  /** The last lines printed, at most 50. */
  readonly tail: readonly string[];
  /** Whether it was already running. */
  readonly attached: boolean;
}

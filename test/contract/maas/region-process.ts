import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const main = join(import.meta.dirname, "../../../lab/maas/main.ts");

/** Keys with the format of MAAS's: 18, 18 and 32 characters. */
export const adminKey = "adminconsumerkey01:admintokenkey00001:adminsecret000000000000000000001";
export const userKey = "user1consumerkey01:user1tokenkey00001:user1secret000000000000000000001";

/** The stand-in for a MAAS region, as a separate process on a free port. */
export class RegionProcess {
  readonly #child: ChildProcess;
  /** Without a slash at the end, e.g. `http://127.0.0.1:41234`. */
  readonly origin: string;

  private constructor(child: ChildProcess, origin: string) {
    this.#child = child;
    this.origin = origin;
  }

  /** @param options further arguments, e.g. `--state FILE` */
  static async start(version: string, ...options: readonly string[]): Promise<RegionProcess> {
    const keys = ["--admin-key", adminKey, "--user-key", userKey];
    const child = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        main,
        "--port",
        "0",
        "--version",
        version,
        ...keys,
        ...options,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    // Shown only if it fails: it reports many imports that these tests do not wait for.
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    child.once("close", (code) => {
      if (code) process.stderr.write(log);
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const origin = /http:\/\/[^/]+/.exec(line)?.[0];
      if (origin !== undefined) return new RegionProcess(child, origin);
    }
    throw new Error("The stand-in ended before it was ready.");
  }

  /** Ends it with SIGTERM, as systemd does. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

/** An `Authorization` header with a new nonce. Members of `changed` replace the correct values. */
export function authorization(key: string, changed: Readonly<Record<string, string>> = {}): string {
  const [consumer = "", token = "", secret = ""] = key.split(":");
  const parameters = {
    oauth_version: "1.0",
    oauth_signature_method: "PLAINTEXT",
    oauth_consumer_key: consumer,
    oauth_token: token,
    oauth_signature: `%26${secret}`,
    oauth_nonce: crypto.randomUUID().replaceAll("-", ""),
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    ...changed,
  };
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `OAuth ${pairs.join(", ")}`;
}

import { execFile } from "node:child_process";
import { lookup } from "node:dns/promises";
import { homedir, userInfo } from "node:os";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { ExplainedError } from "../errors/explained-error.ts";
import { SshConfigurationError } from "./unreachable.ts";

/** The address of a host and how to log in, from OpenSSH's configuration. */
export interface Destination {
  /** The name as given to ssh. */
  readonly name: string;
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  /** Key files in the order of the configuration. They may be missing. */
  readonly identityFiles: readonly string[];
  /**
   * Certificates of such keys, in the order of the configuration, without those that are found next to a key file.
   */
  readonly certificateFiles: readonly string[];
  /** Whether only the keys of `identityFiles` may be tried, also from the agent. */
  readonly identitiesOnly: boolean;
  /** The agent's socket, if there is one. */
  readonly agent: string | undefined;
  /** Jump hosts, outermost first. */
  readonly jumps: readonly Jump[];
  /** The name of the host key in known_hosts, without port, if configured. */
  readonly hostKeyAlias: string | undefined;
  readonly knownHostsFiles: readonly string[];
  /** A list of revoked keys and certificates (RevokedHostKeys). */
  readonly revokedHostKeys: string | undefined;
  /** Signature algorithms that authorities may use for host certificates (CASignatureAlgorithms). */
  readonly certificateSignatures: readonly string[];
  /** The PKCS#11 library that the configuration takes keys from. */
  readonly pkcs11Provider: string | undefined;
  /** Seconds between keep-alives; 0 if not configured. */
  readonly keepaliveSeconds: number;
  readonly keepaliveCount: number;
  /** Seconds; undefined if not configured. */
  readonly connectTimeoutSeconds: number | undefined;
  /** The configured value. It is ignored if it would weaken the check of host keys. */
  readonly strictHostKeyChecking: string;
}

/** One element of ProxyJump. */
export interface Jump {
  readonly name: string;
  readonly user?: string;
  readonly port?: number;
}

/** Seconds, if the ssh configuration has no ConnectTimeout. */
export const defaultConnectTimeoutSeconds = 20;

/** Signature algorithms for hosts and authorities, in order of preference: no SHA-1. */
export const signatureAlgorithms: ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

let configFile: string | undefined;
let resolved = new Map<string, Promise<Destination>>();

/**
 * Sets the ssh configuration file. The environment variable `AIRGAPPED_MAAS_SSH_CONFIG` takes precedence, also over
 * the file name that the engine still has from the last update. Without either, it is the user's own configuration.
 */
export function configureSsh(options: { configFile?: string | undefined }): void {
  if (options.configFile === configFile) return;
  configFile = options.configFile;
  resolved = new Map();
}

/** The settings that ssh uses for a name, from `ssh -G`, read once per process. */
export function resolveDestination(name: string, over: Omit<Jump, "name"> = {}): Promise<Destination> {
  const file = sshConfigFile();
  const key = JSON.stringify([file, name, over]);
  let destination = resolved.get(key);
  if (!destination) {
    destination = askSsh(name, over, file);
    resolved.set(key, destination);
    destination.catch(() => resolved.delete(key));
  }
  return destination;
}

/** The current `-F` argument, for commands in messages. */
export function sshConfigFile(): string | undefined {
  return process.env.AIRGAPPED_MAAS_SSH_CONFIG || configFile;
}

async function askSsh(
  name: string,
  over: Omit<Jump, "name">,
  file: string | undefined,
): Promise<Destination> {
  const step = "looking up how to reach it with `ssh -G`";
  if (!/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u.test(name)) {
    throw new SshConfigurationError({
      host: name,
      step,
      found: "this is not a valid host name for ssh",
      remedy: "Give the name as you would type it after ssh, without spaces or a leading dash.",
    });
  }
  const args = [
    "-G",
    ...(file ? ["-F", file] : []),
    ...(over.user ? ["-l", over.user] : []),
    ...(over.port ? ["-p", String(over.port)] : []),
    "--",
    name,
  ];
  const output = await new Promise<string>((resolve, reject) => {
    execFile("ssh", args, { encoding: "utf8", timeout: 20_000 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const found = missing ? "there is no ssh command on this machine" : stderr.trim() || error.message;
      const remedy = missing
        ? "Install OpenSSH's client (openssh-client)."
        : found.includes("Can't open user config file")
          ? whereToFindIt()
          : `Run \`ssh ${args.join(" ")}\` and correct the configuration until it succeeds.`;
      reject(new SshConfigurationError({ host: name, step, found, remedy, cause: error }));
    });
  });
  const destination = parseSshSettings(name, output);
  if (destination.jumps.length === 0) await mustResolve(destination);
  return destination;
}

function whereToFindIt(): string {
  if (process.env.AIRGAPPED_MAAS_SSH_CONFIG)
    return "Put the file there, or correct the environment variable AIRGAPPED_MAAS_SSH_CONFIG, which names it.";
  return "Put the file there, or correct airgapped-maas:sshConfig. If you have changed that setting: hosts are still read with the file of the last update, so set the environment variable AIRGAPPED_MAAS_SSH_CONFIG to the new file for this run.";
}

async function mustResolve({ name, hostname }: Destination): Promise<void> {
  await lookup(hostname).catch((error: NodeJS.ErrnoException) => {
    throw new SshConfigurationError({
      host: name,
      values: ["host"],
      step: "looking up its address",
      found: `${hostname === name ? "this name" : `its HostName ${hostname}`} does not resolve here (${error.code})`,
      remedy: `Add a Host entry for ${name} with HostName (or ProxyJump) to ${sshConfigFile() ?? "~/.ssh/config"}, or a name record.`,
      cause: error,
    });
  });
}

/** Reads the output of `ssh -G`: one `keyword value` a line, keywords in lower case, some of them repeated. */
function parseSshSettings(name: string, output: string): Destination {
  const settings = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line.trim()) ?? [];
    if (keyword && value !== undefined) settings.set(keyword, [...(settings.get(keyword) ?? []), value]);
  }
  const one = (keyword: string) => settings.get(keyword)?.[0];
  const hostname = one("hostname") ?? name;
  const user = one("user") ?? "";
  const port = Number(one("port") ?? 22);
  const proxyCommand = one("proxycommand");
  if (proxyCommand && proxyCommand !== "none") {
    throw new ExplainedError({
      host: name,
      step: "reading its ssh configuration",
      found: `ProxyCommand (${proxyCommand}) is not supported`,
      remedy: "Use ProxyJump, which does the same without another program.",
    });
  }
  const path = (text: string) => expandPath(text, { hostname, user, port: String(port), name });
  const agent = one("identityagent");
  const revoked = one("revokedhostkeys");
  const proxyJump = one("proxyjump");
  return {
    name,
    hostname,
    port,
    user,
    identityFiles: (settings.get("identityfile") ?? []).map(path),
    certificateFiles: (settings.get("certificatefile") ?? []).filter((file) => file !== "none").map(path),
    identitiesOnly: one("identitiesonly") === "yes",
    agent: agentSocket(agent, path),
    jumps: !proxyJump || proxyJump === "none" ? [] : proxyJump.split(",").map(parseJump),
    hostKeyAlias: one("hostkeyalias"),
    knownHostsFiles: ["userknownhostsfile", "globalknownhostsfile"]
      .flatMap((keyword) => words(one(keyword) ?? ""))
      .filter((file) => file !== "none")
      .map(path),
    revokedHostKeys: revoked && revoked !== "none" ? path(revoked) : undefined,
    // ssh has this setting since 7.9.
    certificateSignatures: one("casignaturealgorithms")?.split(",") ?? signatureAlgorithms,
    pkcs11Provider: one("pkcs11provider") === "none" ? undefined : one("pkcs11provider"),
    keepaliveSeconds: Number(one("serveraliveinterval") ?? 0),
    keepaliveCount: Number(one("serveralivecountmax") ?? 3),
    connectTimeoutSeconds: Number(one("connecttimeout")) || undefined,
    strictHostKeyChecking: one("stricthostkeychecking") ?? "ask",
  };
}

function parseJump(text: string): Jump {
  const url = /^ssh:\/\//.test(text) ? text.slice(6).replace(/\/$/, "") : text;
  const [, user, bracketed, plain, port] = /^(?:(.*)@)?(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(url) ?? [];
  return {
    name: bracketed ?? plain ?? url,
    ...(user ? { user } : {}),
    ...(port ? { port: Number(port) } : {}),
  };
}

function agentSocket(setting: string | undefined, path: (text: string) => string): string | undefined {
  if (setting === "none") return undefined;
  if (!setting || setting === "SSH_AUTH_SOCK") return process.env.SSH_AUTH_SOCK || undefined;
  if (setting.startsWith("$")) return process.env[setting.replace(/^\$\{?(\w+)\}?$/, "$1")] || undefined;
  return path(setting);
}

/** ssh expands the tokens and `~` of some paths only when it opens them. See ssh_config(5), TOKENS. */
function expandPath(text: string, values: Record<"hostname" | "user" | "port" | "name", string>): string {
  const tokens: Record<string, string> = {
    "%": "%",
    d: homedir(),
    h: values.hostname,
    n: values.name,
    p: values.port,
    r: values.user,
    u: userInfo().username,
  };
  return text
    .replace(/^~(?=\/|$)/, homedir())
    .replace(/%(.)/g, (all, token: string) => tokens[token] ?? all)
    .replace(/\$\{(\w+)\}/g, (_, variable: string) => process.env[variable] ?? "");
}

/** Words, split at the quotes of ssh_config. */
function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

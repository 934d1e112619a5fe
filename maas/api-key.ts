import { ExplainedError } from "../errors/explained-error.ts";

/**
 * A MAAS API key, `CONSUMER_KEY:TOKEN_KEY:TOKEN_SECRET`. The consumer's secret is always empty (apiclient/creds.py).
 */
export interface ApiKey {
  readonly consumerKey: string;
  readonly tokenKey: string;
  readonly tokenSecret: string;
}

const shape = /^([A-Za-z0-9]{8,64}):([A-Za-z0-9]{8,64}):([A-Za-z0-9]{8,64})$/;

/** @throws ExplainedError that never quotes the given text. */
export function parseApiKey(text: string): ApiKey {
  const [, consumerKey, tokenKey, tokenSecret] = shape.exec(text.trim()) ?? [];
  if (consumerKey && tokenKey && tokenSecret) return { consumerKey, tokenKey, tokenSecret };
  throw new ExplainedError({
    step: "reading the API key of MAAS",
    found: "it is not three words of letters and digits, separated by colons",
    remedy: "Declare one line of the output of `maas apikey --username USER` on the region host.",
  });
}

/** Whether a text has the form of an API key. */
export function isApiKey(text: string): boolean {
  return shape.test(text.trim());
}

/**
 * Prints a user's API keys on the region host, oldest first, one per line. Must run as root, for the snap and for the
 * Debian package. Exits 3 if MAAS is not installed, otherwise with the status of `maas`, whose errors go to standard
 * error.
 *
 * @param quotedUser The user's name, quoted for sh.
 */
export function apiKeyScript(quotedUser: string): string {
  return `maas=$(command -v maas || true)
if [ -z "$maas" ] && [ -x /snap/bin/maas ]; then maas=/snap/bin/maas; fi
if [ -z "$maas" ]; then exit 3; fi
exec "$maas" apikey --username ${quotedUser}`;
}

/** The result of `apiKeyScript`. */
interface ApiKeyAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The key to use. If there are several, it is the first and oldest one: a new key that somebody adds later changes
 * nothing here.
 *
 * @throws ExplainedError that names what is missing on the host.
 */
export function apiKeyFrom(answer: ApiKeyAnswer, user: string, host: string): ApiKey {
  const key = answer.code === 0 ? answer.stdout.split("\n").find(isApiKey) : undefined;
  if (key) return parseApiKey(key);
  throw new ExplainedError({
    host,
    step: `reading the API key of the MAAS user ${user}`,
    ...explained(answer, user),
  });
}

function explained({ code, stdout, stderr }: ApiKeyAnswer, user: string) {
  // Django and snapd print the reason in the last lines. A key among them would be a user's secret.
  const lastLines = `${stdout}\n${stderr}`
    .split("\n")
    .filter((line) => line.trim() && !/\S+:\S+:\S{8,}/.test(line));
  const text = lastLines.slice(-3).join("\n");
  if (code === 3 && !text) {
    return {
      found: "there is no `maas` command on this host",
      remedy:
        "Declare the region host (where `maas apikey` works) in maas.host, or declare maas.apiKey as a secret.",
    };
  }
  if (/User does not exist/i.test(text)) {
    return {
      found: `MAAS has no user ${user}`,
      remedy:
        "Declare an administrator of MAAS as maas.user, or create one with `maas createadmin` on the region host.",
    };
  }
  if (code === 0) {
    return {
      found: "the user has no API key",
      remedy: `Create one on the region host: \`sudo maas apikey --username ${user} --generate\`.`,
    };
  }
  if (/invalid choice|unrecognized arguments|init(ialise|ialize)? /i.test(text)) {
    return {
      found: `the \`maas\` command there is not a region controller's (${text})`,
      remedy:
        "Declare the host of the region controller in maas.host. A rack controller or the CLI alone has no keys.",
    };
  }
  return {
    found: text || `\`maas apikey\` ended with ${code} and printed nothing`,
    remedy: "Check that `sudo maas apikey` works on the region host and that its database runs.",
  };
}

import { resolve } from "node:path";
import { NotThere } from "../../content/fetch.ts";
import { ExplainedError } from "../../errors/explained-error.ts";
import type { Host } from "../../hosts/host.ts";

export interface Upstream {
  /** Base URL, without a slash at its end. */
  readonly url: string;
  /** Seconds without a byte, after which it counts as stalled. */
  readonly stallSeconds: number;
}

/** What to say of a path that upstream does not have. */
export interface Absence {
  /** Declared values that may be to blame. */
  readonly values: readonly string[];
  readonly remedy: string;
}

/**
 * Reads upstream as a host sees it. Each path is asked for once a lookup; what stalls, resets or answers with an
 * error is explained.
 */
export function fetchThrough(host: Host, upstream: Upstream, absence: Absence) {
  const asked = new Map<string, Promise<Buffer>>();
  return (path: string, { maximum }: { readonly maximum: number }): Promise<Buffer> => {
    const known = asked.get(path);
    if (known) return known;
    const answer = get(path, maximum);
    asked.set(path, answer);
    return answer;
  };

  async function get(path: string, maximum: number): Promise<Buffer> {
    const url = urlOf(upstream.url, path);
    const { status, body } = await host.fetch(url, {
      maximumBytes: maximum + 1,
      timeoutMs: upstream.stallSeconds * 1000,
    });
    if (status === 200) return body;
    const failure = { host: host.name, step: `fetching ${url}`, found: `the server answered ${status}` };
    if (isAbsent(status)) throw new NotThere({ ...failure, values: absence.values, remedy: absence.remedy });
    throw new ExplainedError({
      ...failure,
      remedy: "Try again when upstream is well. What is served now stays as it is.",
    });
  }
}

/** Asks which of some paths upstream really has: a signed index may list files that are on no server. */
export function existsThrough(host: Host, upstream: Upstream) {
  const timeoutMs = upstream.stallSeconds * 1000;
  return (paths: readonly string[]): Promise<boolean[]> =>
    Promise.all(
      paths.map(async (path) => {
        const { status } = await host.fetch(urlOf(upstream.url, path), { method: "HEAD", timeoutMs });
        return !isAbsent(status);
      }),
    );
}

/** Stores of objects answer 403 for what they do not have. */
function isAbsent(status: number): boolean {
  return [403, 404, 410].includes(status);
}

function urlOf(base: string, path: string): string {
  return `${base}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** The path of a key file is one of the project; anything else is for the keyrings to make sense of. */
export function keyArgument(key: string | undefined): string | undefined {
  return key && !key.includes("-----BEGIN") && /[/.]/.test(key) ? resolve(key) : key;
}

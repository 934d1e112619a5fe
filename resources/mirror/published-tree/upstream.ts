import { resolve } from "node:path";
import { setTimeout as pauseFor } from "node:timers/promises";
import { NotFound } from "../../../content/fetch.ts";
import type { FetchOptions, FetchResult, Host } from "../../../hosts/host.ts";
import { TransferFailure } from "../../../hosts/transfer-failure.ts";
import { attemptsOfStalled, isTransient, type Pause, retryDelays } from "./retry.ts";
import { fetchOptions, type UpstreamAccess } from "./upstream-access.ts";
import { absenceRemedy, explainedTransfer, isWebPage, refusalOf, webPage } from "./upstream-refusals.ts";

export interface Upstream extends UpstreamAccess {
  /** Base URL without trailing slash. */
  readonly url: string;
  /** Seconds without a byte after which a transfer counts as stalled. */
  readonly stallSeconds: number;
}

/** The explanation for a path that upstream does not have. */
interface Absence {
  /** Declared values that may be to blame. */
  readonly values: readonly string[];
  readonly remedy: string;
}

/**
 * Reads upstream from a host's network. Each path is requested once per lookup. Temporary failures (a connection that
 * breaks, 429, 503) are retried with growing delays; others are explained.
 */
export function fetchThrough(host: Host, upstream: Upstream, absence: Absence, pause: Pause = pauseFor) {
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
    const what = { host: host.name, step: `fetching ${url}` };
    const { answer, tries } = await withRetries(host, upstream, url, { maximumBytes: maximum + 1 }, pause);
    const { status, body, byProxy } = answer;
    if (status === 200 && !isWebPage(answer)) return body;
    if (status === 200) throw webPage(what);
    if (isAbsent(status) && !byProxy) {
      throw new NotFound({
        ...what,
        found: `the server answered ${status}`,
        values: absence.values,
        remedy: absenceRemedy(status, upstream, absence.remedy),
      });
    }
    throw refusalOf(what, answer, upstream, tries);
  }
}

/** Checks which of the given paths exist upstream: a signed index may list files that are on no server. */
export function existsThrough(host: Host, upstream: Upstream, pause: Pause = pauseFor) {
  return (paths: readonly string[]): Promise<boolean[]> =>
    Promise.all(
      paths.map(async (path) => {
        const url = urlOf(upstream.url, path);
        const { answer, tries } = await withRetries(host, upstream, url, { method: "HEAD" }, pause);
        if (answer.byProxy || [401, 407].includes(answer.status)) {
          throw refusalOf({ host: host.name, step: `checking ${url}` }, answer, upstream, tries);
        }
        return !isAbsent(answer.status);
      }),
    );
}

/** The final answer, and the number of attempts. */
async function withRetries(
  host: Host,
  upstream: Upstream,
  url: string,
  options: FetchOptions,
  pause: Pause,
): Promise<{ readonly answer: FetchResult; readonly tries: number }> {
  const { stallSeconds } = upstream;
  const asking = { ...fetchOptions(upstream), ...options, timeoutMs: stallSeconds * 1000 };
  const delays = retryDelays(stallSeconds);
  for (let tries = 1; ; tries++) {
    const delay = delays[tries - 1];
    try {
      const answer = await host.fetch(url, asking);
      if (!isTransient(answer.status) || delay === undefined) return { answer, tries };
    } catch (failure) {
      if (!(failure instanceof TransferFailure)) throw failure;
      const most = {
        broken: delays.length + 1,
        stalled: attemptsOfStalled,
        slow: 1,
        certificate: 1,
        tls: 1,
        other: 1,
      };
      if (delay === undefined || tries >= most[failure.fault]) {
        throw explainedTransfer(failure, upstream, tries);
      }
    }
    await pause(delay);
  }
}

/** Object stores answer 403 for missing objects. */
function isAbsent(status: number): boolean {
  return [403, 404, 410].includes(status);
}

function urlOf(base: string, path: string): string {
  return `${base}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** A path of a key file is relative to the project; other keys are handled by the keyring code. */
export function keyArgument(key: string | undefined): string | undefined {
  return key && !key.includes("-----BEGIN") && /[/.]/.test(key) ? resolve(key) : key;
}

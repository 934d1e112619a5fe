/**
 * What a proxy, or MAAS itself, answers while the region is down, restarts or is busy, whatever the body's form: worth
 * asking again soon. After 429 nothing was done; after the others nobody knows.
 */
const statuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function isUnavailable(status: number): boolean {
  return statuses.has(status);
}

/** Whether a request with such an answer may have been carried out all the same. */
export function mayHaveBeenDone(method: string, status: number): boolean {
  return method !== "GET" && status !== 429;
}

/** Whether a body is a page for people, which MAAS's API never sends but for a 401. */
export function isPage(type: string, body: string): boolean {
  return /html/i.test(type) || /^\s*<(!doctype|html|head|body)/i.test(body);
}

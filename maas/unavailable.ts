/**
 * The statuses of a proxy, or of MAAS itself, while the region is down, restarts or is busy, with any body. A retry
 * may succeed. After 429 nothing was done; after the others that is not known.
 */
const statuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function isUnavailable(status: number): boolean {
  return statuses.has(status);
}

/** Whether a request with such an answer may still have been carried out. */
export function mayHaveBeenDone(method: string, status: number): boolean {
  return method !== "GET" && status !== 429;
}

/** Whether a body is a web page, which MAAS's API sends only with a 401. */
export function isPage(type: string, body: string): boolean {
  return /html/i.test(type) || /^\s*<(!doctype|html|head|body)/i.test(body);
}

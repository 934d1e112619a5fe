import { ExplainedError } from "../../errors/explained-error.ts";
import { shownInput } from "../../errors/shown-address.ts";

/** Where a stream is. */
interface StreamLocation {
  /** The stream's root without a slash at its end; every path of the stream is below it. */
  readonly base: string;
  /** Path of the index below the root: `streams/v1/index.sjson`, or `.json` where it is not signed. */
  readonly index: string;
  readonly signed: boolean;
}

const indexDirectory = "streams/v1";

/**
 * Makes sense of a stream's URL as MAAS does: the root with or without a slash at its end, or the index itself. Only
 * `index.sjson` and `index.json` are taken for an index: with another name MAAS 3.8 looks for images in the
 * wrong place (maasservicelayer, simplestreams/client.py).
 *
 * @param signed False: read the unsigned index. Then nothing proves whose images they are.
 * @throws ExplainedError when it is no http or https URL, or names an index that contradicts `signed`.
 */
export function streamLocation(url: string, signed = true): StreamLocation {
  const refuse = (found: string, remedy: string) =>
    new ExplainedError({
      step: `reading the stream's URL ${shownInput(url)}`,
      found,
      remedy,
      values: ["upstream.url"],
    });
  // A password may have any character: what has an @ anywhere may be one.
  if (url.includes("@")) {
    throw refuse(
      "it has an @, as an address with a user and a password does",
      "Give the URL without them, and declare upstream.credentials. An @ that belongs to the path is written %40.",
    );
  }
  if (!/^https?:\/\/[^/?#\s]+[^?#\s]*$/.test(url)) {
    throw refuse(
      "it is not an http or https URL of a directory",
      "Give the URL of the stream's root, e.g. http://images.maas.io/ephemeral-v3/stable/.",
    );
  }
  const index = /\/([^/]+)[.](sjson|json)$/.exec(url);
  if (index && !url.endsWith(`/${indexDirectory}/index.${index[2]}`)) {
    throw refuse(
      "it names a file that is not the stream's index",
      `Give the URL of the stream's root, or of its ${indexDirectory}/index.sjson.`,
    );
  }
  if (index?.[2] === "json" && signed) {
    throw refuse(
      "it names the unsigned index, whose images anybody on the way could have replaced",
      "Give the URL of the stream's root, so that the signed index is read; or say signed: false to take it as it is.",
    );
  }
  if (index?.[2] === "sjson" && !signed) {
    throw refuse("it names the signed index, beside signed: false", "Take out signed: false.");
  }
  const base = url.replace(/\/streams\/v1\/index[.]s?json$/, "").replace(/(\/streams\/v1)?\/*$/, "");
  return { base, index: `${indexDirectory}/index.${signed ? "sjson" : "json"}`, signed };
}

import { ExplainedError } from "../../errors/explained-error.ts";
import { shownInput } from "../../errors/shown-address.ts";

/** The location of a stream. */
interface StreamLocation {
  /** The stream's root without trailing slash. All paths of the stream are below it. */
  readonly base: string;
  /** Path of the index below the root: `streams/v1/index.sjson`, or `.json` if it is not signed. */
  readonly index: string;
  readonly signed: boolean;
}

const indexDirectory = "streams/v1";

/**
 * Interprets a stream's URL as MAAS does: the root with or without trailing slash, or the index itself. Only
 * `index.sjson` and `index.json` count as an index: with another name MAAS 3.8 looks for images at a wrong path
 * (maasservicelayer, simplestreams/client.py).
 *
 * @param signed False: read the unsigned index. The images are then not verified.
 * @throws ExplainedError if it is not an http or https URL, or names an index that contradicts `signed`.
 */
export function streamLocation(url: string, signed = true): StreamLocation {
  const refuse = (found: string, remedy: string) =>
    new ExplainedError({
      step: `reading the stream's URL ${shownInput(url)}`,
      found,
      remedy,
      values: ["upstream.url"],
    });
  // A password may contain any character, so an @ anywhere may belong to one.
  if (url.includes("@")) {
    throw refuse(
      "contains an @, like a URL with user name and password",
      "Remove these from the URL, and declare upstream.credentials. Write an @ in the path as %40.",
    );
  }
  if (!/^https?:\/\/[^/?#\s]+[^?#\s]*$/.test(url)) {
    throw refuse(
      "is not an http or https URL of a directory",
      "Declare the URL of the stream's root, e.g. http://images.maas.io/ephemeral-v3/stable/.",
    );
  }
  const index = /\/([^/]+)[.](sjson|json)$/.exec(url);
  if (index && !url.endsWith(`/${indexDirectory}/index.${index[2]}`)) {
    throw refuse(
      "names a file that is not the stream's index",
      `Declare the URL of the stream's root, or of its ${indexDirectory}/index.sjson.`,
    );
  }
  if (index?.[2] === "json" && signed) {
    throw refuse(
      "names the unsigned index, whose images may have been replaced on the way",
      "Declare the URL of the stream's root, so that the signed index is read.",
    );
  }
  if (index?.[2] === "sjson" && !signed) {
    throw refuse("names the signed index, but signed is false", "Remove signed: false.");
  }
  const base = url.replace(/\/streams\/v1\/index[.]s?json$/, "").replace(/(\/streams\/v1)?\/*$/, "");
  return { base, index: `${indexDirectory}/index.${signed ? "sjson" : "json"}`, signed };
}

import { ExplainedError } from "../../errors/explained-error.ts";

/**
 * Refuses what is no signed metadata at first sight, and says what it is: neither the stream nor its key is to blame for
 * the page of a proxy.
 *
 * @param signed Whether it is to be clearsigned; else it is to be JSON.
 */
export function refuseUnexpectedContent(bytes: Buffer, path: string, signed: boolean): void {
  const other = whatElse(bytes, signed);
  if (!other) return;
  throw new ExplainedError({ step: `reading ${path}`, ...other, values: ["upstream.url"] });
}

function whatElse(bytes: Buffer, signed: boolean): { found: string; remedy: string } | undefined {
  const begins = bytes.toString("latin1", 0, 4096).trimStart();
  if (begins === "" && bytes.length <= 4096) {
    return {
      found: "an empty file came",
      remedy: "Upstream may be in the middle of an update: try again; if it stays so, ask those who run it.",
    };
  }
  if (/^(\xef\xbb\xbf)?<(!doctype\s|html|head|body|script|meta|\?xml|!--)/i.test(begins)) {
    const title = /<title[^>]*>\s*([^<]{1,80})/i.exec(begins)?.[1]?.replace(/[^\x20-\x7e]+/g, " ");
    return {
      found: `a web page came in place of the stream${title ? `: "${title.trim()}"` : ""}`,
      remedy:
        "Open this URL from the same host: a proxy or a login page of the network answers in upstream's place, or the URL is not that of a stream's root.",
    };
  }
  if (bytes.length > 1 && bytes.readUInt16BE(0) === 0x1f8b) {
    return {
      found: "it came compressed with gzip, and nobody had asked for that",
      remedy: "See that neither the server nor a proxy before it compresses what it serves.",
    };
  }
  if (signed && begins.startsWith("{")) {
    return {
      found: "it is not signed: bare JSON came",
      remedy:
        "Ask those who run the stream: MAAS takes an .sjson file only when it is clearsigned, and nothing proves whose images these are.",
    };
  }
  return undefined;
}

import { ExplainedError } from "../../errors/explained-error.ts";

/**
 * Refuses content that is obviously not signed metadata, and names what it is. A page of a proxy, for example, does
 * not show any fault of the stream or its key.
 *
 * @param signed Whether it must be clearsigned; otherwise it must be JSON.
 */
export function refuseUnexpectedContent(bytes: Buffer, path: string, signed: boolean): void {
  const other = otherContent(bytes, signed);
  if (!other) return;
  throw new ExplainedError({ step: `reading ${path}`, ...other, values: ["upstream.url"] });
}

function otherContent(bytes: Buffer, signed: boolean): { found: string; remedy: string } | undefined {
  const begins = bytes.toString("latin1", 0, 4096).trimStart();
  if (begins === "" && bytes.length <= 4096) {
    return {
      found: "the file is empty",
      remedy: "Upstream may be in the middle of an update: try again. If the error stays, ask its operator.",
    };
  }
  if (/^(\xef\xbb\xbf)?<(!doctype\s|html|head|body|script|meta|\?xml|!--)/i.test(begins)) {
    const title = /<title[^>]*>\s*([^<]{1,80})/i.exec(begins)?.[1]?.replace(/[^\x20-\x7e]+/g, " ");
    return {
      found: `it is a web page instead of the stream${title ? `: "${title.trim()}"` : ""}`,
      remedy:
        "Open this URL from the same host: a proxy or a login page of the network may answer instead of upstream, or the URL is not the root of a stream.",
    };
  }
  if (bytes.length > 1 && bytes.readUInt16BE(0) === 0x1f8b) {
    return {
      found: "it is compressed with gzip, which was not requested",
      remedy: "Make sure that neither the server nor a proxy before it compresses files.",
    };
  }
  if (signed && begins.startsWith("{")) {
    return {
      found: "it is not signed: it is plain JSON",
      remedy:
        "Ask the operator of the stream: MAAS accepts an .sjson file only if it is clearsigned, and without a signature the origin of the images is not verified.",
    };
  }
  return undefined;
}

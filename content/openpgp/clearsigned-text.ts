/** The parts of a clearsigned file (RFC 9580, section 7). */
interface ClearsignedText {
  /**
   * The signed bytes, in the canonical form for signatures: no dash escapes, no blanks at the ends of lines, and CR LF
   * between lines.
   */
  readonly canonical: Uint8Array;
  /** The file without its text. It contains the hash names and the signatures. */
  readonly frame: string;
  /** The armored signatures. */
  readonly signature: string;
}

const signedBegin = "-----BEGIN PGP SIGNED MESSAGE-----";
const signatureBegin = "-----BEGIN PGP SIGNATURE-----";
const signatureEnd = "-----END PGP SIGNATURE-----";

const endOfLine = Buffer.from("\r\n");
const [tab, lineFeed, carriageReturn, blank, dash] = [0x09, 0x0a, 0x0d, 0x20, 0x2d];

/**
 * Splits a file that is one clearsigned text from its first byte to its last: anything before or after the signed part
 * is not signed. Undefined for other files.
 *
 * It works on bytes and copies the text once. The product file of images.maas.io has 10 MB; a library that splits it
 * into lines needs a third of a gigabyte.
 */
export function splitClearsigned(file: Uint8Array): ClearsignedText | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const head: string[] = [];
  let signature: string | undefined;
  // A line grows by at most one byte, the missing CR.
  const canonical = Buffer.allocUnsafe(bytes.length + countOf(lineFeed, bytes));
  let length = 0;
  let lineBreak = Buffer.alloc(0);
  for (const { start, end } of linesOf(bytes)) {
    if (head.at(-1) !== "") {
      head.push(bytes.toString("latin1", start, end));
      if (head[0] !== signedBegin) return undefined;
      continue;
    }
    const dashed = end > start && bytes[start] === dash;
    // In an escaped empty line, the blank counts as a blank at the end of the line.
    const escaped = dashed && bytes[start + 1] === blank;
    if (dashed && !escaped) {
      signature = bytes.toString("latin1", start).replaceAll("\r\n", "\n");
      break;
    }
    length += lineBreak.copy(canonical, length);
    if (!escaped) length += bytes.copy(canonical, length, start, end);
    else if (end > start + 2) length += bytes.copy(canonical, length, start + 2, end);
    lineBreak = endOfLine;
  }
  if (signature === undefined || !isOneArmor(signature)) return undefined;
  return {
    canonical: canonical.subarray(0, length),
    frame: `${head.join("\n")}\n${signature}`,
    signature,
  };
}

/** The text with plain line ends. Overwrites the canonical bytes, to avoid a third copy of a large text. */
export function toPlainText(canonical: Uint8Array): string {
  const bytes = Buffer.from(canonical.buffer, canonical.byteOffset, canonical.byteLength);
  let length = 0;
  let start = 0;
  for (let at = bytes.indexOf(endOfLine); at >= 0; at = bytes.indexOf(endOfLine, start)) {
    length += bytes.copy(bytes, length, start, at);
    bytes[length++] = lineFeed;
    start = at + endOfLine.length;
  }
  length += bytes.copy(bytes, length, start);
  return bytes.toString("utf8", 0, length);
}

/** The position of each line, without trailing blanks. */
function* linesOf(bytes: Buffer): Generator<{ readonly start: number; readonly end: number }> {
  for (let start = 0; start < bytes.length; ) {
    const lineFeedAt = bytes.indexOf(lineFeed, start);
    const next = lineFeedAt < 0 ? bytes.length : lineFeedAt + 1;
    let end = lineFeedAt < 0 ? bytes.length : lineFeedAt;
    while (end > start && isBlank(bytes[end - 1])) end--;
    yield { start, end };
    start = next;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === blank || byte === tab || byte === carriageReturn;
}

function countOf(byte: number, bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) count++;
  return count;
}

/** Whether it is exactly one block of signatures. */
function isOneArmor(text: string): boolean {
  const lines = text.split("\n").map(withoutBlanks);
  while (lines.at(-1) === "") lines.pop();
  const marked = lines.filter((line) => line.startsWith("-"));
  return (
    lines[0] === signatureBegin && lines.at(-1) === signatureEnd && lines.length > 2 && marked.length === 2
  );
}

/** Without trailing blanks. `trimEnd` would also remove bytes that are parts of letters. */
function withoutBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(0, end);
}

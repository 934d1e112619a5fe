/**
 * The lines of a text, without their ends, one at a time. All lines at once would take too much memory, and so would
 * a string of a whole file in addition to its bytes.
 */
export function* linesOf(text: string | Buffer): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from);
    const stop = end < 0 ? text.length : end;
    yield typeof text === "string" ? text.slice(from, stop) : text.toString("utf8", from, stop);
    from = stop + 1;
  }
}

/**
 * The lines of two sorted texts, and in which of them each is. If they are not sorted, a common line may appear twice.
 *
 * @param isBefore The sort order.
 */
export function* mergedLines(
  one: string | Buffer,
  other: string | Buffer,
  isBefore = (line: string, another: string) => line < another,
): Generator<[line: string, inOne: boolean, inOther: boolean]> {
  const [lefts, rights] = [linesOf(one), linesOf(other)];
  let [left, right] = [lefts.next(), rights.next()];
  while (!left.done || !right.done) {
    if (!left.done && !right.done && left.value === right.value) {
      yield [left.value, true, true];
      [left, right] = [lefts.next(), rights.next()];
    } else if (!left.done && (right.done || isBefore(left.value, right.value))) {
      yield [left.value, true, false];
      left = lefts.next();
    } else if (!right.done) {
      yield [right.value, false, true];
      right = rights.next();
    }
  }
}

/**
 * The fields of each line of a text. Fields of a file's bytes are separate strings: a substring would keep the whole
 * line in memory.
 *
 * @param separator An ASCII character.
 */
export function* fieldsOf(text: string | Buffer, separator: string): Generator<string[]> {
  if (typeof text === "string") {
    for (const line of linesOf(text)) yield line.split(separator);
    return;
  }
  const code = separator.charCodeAt(0);
  let fields: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (byte !== code && byte !== lineEnd) continue;
    fields.push(text.toString("utf8", from, at));
    from = at + 1;
    if (byte === code) continue;
    yield fields;
    fields = [];
  }
  if (from === text.length && fields.length === 0) return;
  fields.push(text.toString("utf8", from));
  yield fields;
}

const lineEnd = 0x0a;

/** The sort order of lines that begin with a SHA-256, without building all the lines, as digests have one length. */
export function byLine<T extends { readonly sha256: string }>(lineOf: (one: T) => string) {
  return (one: T, other: T): number => {
    if (one.sha256 !== other.sha256) return one.sha256 < other.sha256 ? -1 : 1;
    const [left, right] = [lineOf(one), lineOf(other)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}

/**
 * The lines of a text, without their ends, one after the other: hundreds of thousands at once would take memory, as would a
 * string of all of them beside the bytes of a file.
 */
export function* linesOf(text: string | Buffer): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from);
    const stop = end < 0 ? text.length : end;
    yield typeof text === "string" ? text.slice(from, stop) : text.toString("utf8", from, stop);
    from = stop + 1;
  }
}

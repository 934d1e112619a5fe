/** Data is not valid in SSH's binary format. The message gives the reason. */
export class Malformed extends Error {}

/** Reads SSH's binary format (RFC 4251, section 5) from front to back, never beyond the end. */
export class WireReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** How many bytes have been read. */
  get position(): number {
    return this.#position;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  string(): Buffer {
    return this.#take(this.uint32());
  }

  /** A UTF-8 string without zero bytes: programs in C would end the text there, others would not. */
  text(): string {
    const bytes = this.string();
    const text = bytes.toString("utf8");
    if (text.includes("\0") || !Buffer.from(text).equals(bytes))
      throw new Malformed("a name in it is not valid text");
    return text;
  }

  /** Refuses bytes after the last field. */
  end(): void {
    if (!this.isAtEnd) throw new Malformed("it has bytes after its end");
  }

  #take(count: number): Buffer {
    if (count > this.#bytes.length - this.#position) throw new Malformed("it is cut off");
    const taken = this.#bytes.subarray(this.#position, this.#position + count);
    this.#position += count;
    return taken;
  }
}

/** A string in SSH's binary format. */
export function wireString(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

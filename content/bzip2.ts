/*
 * A decoder for bzip2, which Node does not have. The format: the BWT of blocks of up to 900,000 bytes, with Huffman
 * coding.
 */

const blockMagic = 0x314159265359;
const endMagic = 0x177245385090;
const longestCode = 20;
const pieceSize = 262_144;

/**
 * Uncompresses bzip2 data in pieces of at most 256 KiB. Uses 8 MiB of memory.
 *
 * @throws Error if the data is not bzip2 data, damaged or truncated.
 */
export function* bunzip2(packed: Uint8Array): Generator<Uint8Array> {
  const bits = new Bits(packed);
  const links = new Uint32Array(900_000);
  do {
    if (bits.take(16) !== 0x425a || bits.take(8) !== 0x68)
      throw new Error("it does not begin with the mark of bzip2 data");
    const level = bits.take(8) - 0x30;
    if (level < 1 || level > 9) throw new Error("its block size is invalid");
    let combined = 0;
    for (;;) {
      const magic = bits.take(24) * 0x1000000 + bits.take(24);
      const expected = bits.take32();
      if (magic === endMagic) {
        if (expected !== combined) throw new Error("its checksum is wrong");
        break;
      }
      if (magic !== blockMagic) throw new Error("a block has no valid beginning");
      const crc = yield* readBlock(bits, links, level * 100_000);
      if (crc !== expected) throw new Error("the checksum of a block is wrong");
      combined = ((combined << 1) | (combined >>> 31)) >>> 0;
      combined = (combined ^ crc) >>> 0;
    }
    bits.align();
    // Several packed files one after the other are one file.
  } while (bits.more);
}

/** Yields the content of a block, and returns its checksum. */
function* readBlock(bits: Bits, links: Uint32Array, largest: number): Generator<Uint8Array, number> {
  if (bits.take(1) === 1) throw new Error("its format has been obsolete since 1997");
  const origin = bits.take(24);
  const counts = new Uint32Array(256);
  const length = readSymbols(bits, links, counts, largest);
  if (origin >= length) throw new Error("the start of a block is outside the block");

  // The inverse transform: each entry gets the number of the entry that follows it.
  const first = new Uint32Array(256);
  for (let byte = 0, sum = 0; byte < 256; byte += 1) {
    first[byte] = sum;
    sum += counts[byte] as number;
  }
  for (let index = 0; index < length; index += 1) {
    const byte = (links[index] as number) & 0xff;
    const to = first[byte] as number;
    first[byte] = to + 1;
    links[to] = ((links[to] as number) & 0xff) | (index << 8);
  }

  let piece = new Uint8Array(pieceSize);
  let filled = 0;
  let crc = 0xffffffff;
  let at = (links[origin] as number) >>> 8;
  let last = -1;
  let run = 0;
  for (let index = 0; index < length; index += 1) {
    const link = links[at] as number;
    const byte = link & 0xff;
    at = link >>> 8;
    // Four equal bytes are followed by a count of further ones.
    let times = 1;
    let value = byte;
    if (run === 4) {
      times = byte;
      value = last;
      run = 0;
      last = -1;
    } else if (byte === last) {
      run += 1;
    } else {
      last = byte;
      run = 1;
    }
    for (; times > 0; times -= 1) {
      crc = ((crc << 8) ^ (crcTable[(crc >>> 24) ^ value] as number)) >>> 0;
      piece[filled] = value;
      filled += 1;
      if (filled === pieceSize) {
        yield piece;
        piece = new Uint8Array(pieceSize);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
  return ~crc >>> 0;
}

/** Reads the bytes of a block before the inverse transform; returns their number. */
function readSymbols(bits: Bits, into: Uint32Array, counts: Uint32Array, largest: number): number {
  const used = new Uint8Array(256);
  let kinds = 0;
  const groups = bits.take(16);
  for (let group = 0; group < 16; group += 1) {
    if (!(groups & (0x8000 >> group))) continue;
    const members = bits.take(16);
    for (let member = 0; member < 16; member += 1) {
      if (members & (0x8000 >> member)) used[kinds++] = group * 16 + member;
    }
  }
  if (kinds === 0) throw new Error("a block has no bytes");
  const tableCount = bits.take(3);
  if (tableCount < 2 || tableCount > 6) throw new Error("a block has too few or too many codes");
  const selectors = readSelectors(bits, tableCount);
  const tables = Array.from({ length: tableCount }, () => readCode(bits, kinds + 2));

  const end = kinds + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let group = 0; ; group += 1) {
    const table = tables[selectors[group] ?? -1];
    if (!table) throw new Error("a block does not end");
    for (let left = 50; left > 0; left -= 1) {
      const symbol = table.next(bits);
      if (symbol <= 1) {
        run += weight << symbol;
        weight <<= 1;
        if (run > largest) throw new Error("a block is too long");
        continue;
      }
      if (run > 0) {
        const byte = used[0] as number;
        if (length + run > largest) throw new Error("a block is too long");
        into.fill(byte, length, length + run);
        counts[byte] = (counts[byte] as number) + run;
        length += run;
        run = 0;
        weight = 1;
      }
      if (symbol === end) return length;
      if (length >= largest) throw new Error("a block is too long");
      const byte = used[symbol - 1] as number;
      used.copyWithin(1, 0, symbol - 1);
      used[0] = byte;
      into[length] = byte;
      counts[byte] = (counts[byte] as number) + 1;
      length += 1;
    }
  }
}

/** The code of each group of 50 symbols. */
function readSelectors(bits: Bits, tableCount: number): Uint8Array {
  const selectors = new Uint8Array(bits.take(15));
  const order = Uint8Array.from({ length: tableCount }, (_, index) => index);
  for (let index = 0; index < selectors.length; index += 1) {
    let place = 0;
    while (bits.take(1) === 1) {
      place += 1;
      if (place >= tableCount) throw new Error("a block uses a code that it does not define");
    }
    const chosen = order[place] as number;
    order.copyWithin(1, 0, place);
    order[0] = chosen;
    selectors[index] = chosen;
  }
  return selectors;
}

function readCode(bits: Bits, symbols: number): Code {
  const lengths = new Uint8Array(symbols);
  let length = bits.take(5);
  for (let symbol = 0; symbol < symbols; symbol += 1) {
    for (;;) {
      if (length < 1 || length > longestCode) throw new Error("a code is too long");
      if (bits.take(1) === 0) break;
      length += bits.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return new Code(lengths);
}

/** A canonical Huffman code. */
class Code {
  readonly #symbols: Uint16Array;
  /** By length: the first longer code, and the offset from a code to the index of its symbol. */
  readonly #limits = new Int32Array(longestCode + 1);
  readonly #offsets = new Int32Array(longestCode + 1);

  constructor(lengths: Uint8Array) {
    this.#symbols = new Uint16Array(lengths.length);
    let place = 0;
    let code = 0;
    for (let length = 1; length <= longestCode; length += 1) {
      this.#offsets[length] = place - code;
      for (const [symbol, of] of lengths.entries()) {
        if (of !== length) continue;
        this.#symbols[place++] = symbol;
        code += 1;
      }
      this.#limits[length] = code;
      code <<= 1;
    }
  }

  next(bits: Bits): number {
    let code = 0;
    for (let length = 1; length <= longestCode; length += 1) {
      code = (code << 1) | bits.take(1);
      if (code < (this.#limits[length] as number)) {
        const symbol = this.#symbols[code + (this.#offsets[length] as number)];
        if (symbol === undefined) break;
        return symbol;
      }
    }
    throw new Error("a code is invalid");
  }
}

class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** Up to 24 bits. */
  take(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#bytes.length) throw new Error("it is truncated");
      this.#held = ((this.#held << 8) | (this.#bytes[this.#at++] as number)) & 0x7fffffff;
      this.#count += 8;
    }
    this.#count -= count;
    const taken = (this.#held >>> this.#count) & ((1 << count) - 1);
    this.#held &= (1 << this.#count) - 1;
    return taken;
  }

  take32(): number {
    return this.take(16) * 0x10000 + this.take(16);
  }

  align(): void {
    this.#count = 0;
    this.#held = 0;
  }
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

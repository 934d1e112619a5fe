/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function oneOf<Value>(values: readonly Value[], random: () => number): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

/** Names and texts that often cause errors in parsers. */
export const nastyTexts = [
  "",
  " ",
  ".",
  "..",
  "../../../etc/cron.d/x",
  "/etc/passwd",
  "a//b",
  "a/./b",
  "streams/v1/index.sjson",
  "streams",
  "constructor",
  "__proto__",
  "hasOwnProperty",
  "toString",
  "a\nb",
  "a\tb",
  "a b",
  "\u0000",
  "\u009b2J",
  "\ud800",
  "\u202e",
  "%2e%2e/x",
  "*",
  "noble",
  "amd64",
  "notifications",
  "0",
  "1000",
  "-1",
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "Sat, 28 Nov 2026  6:49:15 +0000",
  "Sat, 31 Feb 2026 06:49:15 +0000",
  "x".repeat(100_000),
  "a/".repeat(600),
];

const nastyJson = [
  ...nastyTexts.map((text) => JSON.stringify(text)),
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e400",
  "1e300",
  "9007199254740993",
  "12345678901234567890",
  "[]",
  "{}",
  '["noble"]',
  '{"__proto__":{"size":1}}',
  '{"constructor":null,"toString":7}',
  "[".repeat(450) + "]".repeat(450),
  "[".repeat(20_000) + "]".repeat(20_000),
  "NaN",
];

/** Unparsed JSON: a key may be a duplicate, and a value may be invalid JSON. */
type Node = { raw: string } | { items: Node[] } | { entries: [string, Node][] };

function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return { items: value.map(nodeOf) };
  if (typeof value !== "object" || value === null) return { raw: JSON.stringify(value) };
  return { entries: Object.entries(value).map(([key, of]) => [key, nodeOf(of)]) };
}

function textOf(node: Node): string {
  if ("raw" in node) return node.raw;
  if ("items" in node) return `[${node.items.map(textOf).join(",")}]`;
  return `{${node.entries.map(([key, of]) => `${JSON.stringify(key)}:${textOf(of)}`).join(",")}}`;
}

function nodesIn(node: Node): Node[] {
  if ("raw" in node) return [node];
  const below = "items" in node ? node.items : node.entries.map(([, of]) => of);
  return [node, ...below.flatMap(nodesIn)];
}

/**
 * A document as a JSON text with some changes: a value or key is replaced, deleted, duplicated, or copied to another place.
 * Rarely the text is truncated or damaged.
 */
export function mutated(document: unknown, random: () => number): string {
  const root = nodeOf(document);
  for (let count = 1 + Math.floor(random() * 2); count > 0; count--) change(root, random);
  const text = textOf(root);
  if (random() > 0.05) return text;
  const at = Math.floor(random() * text.length);
  return text.slice(0, at) + oneOf(["", ...nastyTexts], random) + text.slice(at + Math.floor(random() * 40));
}

function change(root: Node, random: () => number): void {
  const all = nodesIn(root);
  const holder = oneOf(
    all.filter((node) => !("raw" in node)),
    random,
  );
  const other = () =>
    structuredClone(random() < 0.5 ? { raw: oneOf(nastyJson, random) } : oneOf(all, random));
  if ("items" in holder) {
    holder.items.splice(Math.floor(random() * (holder.items.length + 1)), Math.floor(random() * 2), other());
  } else if ("entries" in holder && holder.entries.length > 0) {
    const { entries } = holder;
    const entry = oneOf(entries, random);
    const [key, value] = entry;
    const name = oneOf([...nastyTexts, ...entries.map(([of]) => of)], random);
    const how = Math.floor(random() * 6);
    if (how === 0) entries.splice(entries.indexOf(entry), 1);
    else if (how === 1) entry[0] = name;
    else if (how === 2) entries.push([key, other()]);
    else if (how === 3) entries.push([name, structuredClone(value)]);
    else if (how === 4) entry[1] = { items: [value] };
    else entry[1] = other();
  }
}

import { type Alternative, parseRelations } from "../../../content/apt/dependencies.ts";
import { IndexBudget } from "../../../content/apt/index-budget.ts";
import { poolPath } from "../../../content/apt/local-merge.ts";
import { readPackages } from "../../../content/apt/packages.ts";
import { sha256 } from "./small-archive.ts";

/** The fields that all readers of an index take from a package. */
export interface Facts {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly size: string;
  readonly sha256: string;
}

type Fields = [string, string][];

/** A package whose file has its name as content, as all readers of the index see it. */
export const fieldsOf = (name: string): Fields => [
  ["Package", name],
  ["Version", "1.0"],
  ["Architecture", "amd64"],
  ["Section", "net"],
  ["Source", `${name} (1.0)`],
  ["Filename", `pool/main/${name}.deb`],
  ["Size", String(name.length)],
  ["SHA256", sha256(name)],
  ["Depends", "other"],
  ["Description", "words"],
];

/** Another value of each field, which must never be used instead. */
const decoys: Record<string, string> = {
  Package: "decoy",
  Version: "9.9",
  Architecture: "all",
  Section: "decoy",
  Source: "decoy",
  Filename: "pool/../../decoy.deb",
  Size: "7",
  SHA256: "0".repeat(64),
  Depends: "decoy",
  Description: "decoy",
};

/** Changes of a field's line, or of the lines beside it. */
const mutations: Record<string, (field: string, value: string, decoy: string) => string> = {
  continued: (field, value, decoy) => `${field}: ${value}\n ${decoy}\n`,
  "continued after a tab": (field, value, decoy) => `${field}: ${value}\n\t${decoy}\n`,
  "continued with a path": (field, value) => `${field}: ${value}\n /../../../etc/profile.d/x.sh\n`,
  "value on the next line": (field, value) => `${field}:\n ${value}\n`,
  "twice, decoy first": (field, value, decoy) => `${field}: ${decoy}\n${field}: ${value}\n`,
  "twice, decoy last": (field, value, decoy) => `${field}: ${value}\n${field}: ${decoy}\n`,
  "decoy in small letters first": (field, value, decoy) =>
    `${field.toLowerCase()}: ${decoy}\n${field}: ${value}\n`,
  "decoy in capitals last": (field, value, decoy) => `${field}: ${value}\n${field.toUpperCase()}: ${decoy}\n`,
  "decoy before a blank and the colon": (field, value, decoy) => `${field} : ${decoy}\n${field}: ${value}\n`,
  "decoy before a tab and the colon": (field, value, decoy) => `${field}: ${value}\n${field}\t: ${decoy}\n`,
  "decoy after a carriage return": (field, value, decoy) => `X: y\r${field}: ${decoy}\n${field}: ${value}\n`,
  "decoy behind a carriage return": (field, value, decoy) => `\r${field}: ${decoy}\n${field}: ${value}\n`,
  "decoy with a carriage return in its name": (field, value, decoy) =>
    `${field.slice(0, 2)}\r${field.slice(2)}: ${decoy}\n${field}: ${value}\n`,
  "decoy behind a NUL": (field, value, decoy) => `\0${field}: ${decoy}\n${field}: ${value}\n`,
  "decoy behind a vertical tab": (field, value, decoy) => `\v${field}: ${decoy}\n${field}: ${value}\n`,
  "decoy behind a form feed": (field, value, decoy) => `${field}: ${value}\n\f${field}: ${decoy}\n`,
  "decoy behind a hash": (field, value, decoy) => `#${field}: ${decoy}\n${field}: ${value}\n`,
  "decoy after a line without a colon": (field, value, decoy) =>
    `nonsense\n${field}: ${decoy}\n${field}: ${value}\n`,
  "a line without a colon": (field, value) => `nonsense\n${field}: ${value}\n`,
  "decoy in a continuation": (field, value, decoy) => `${field}: ${value}\nX: y\n ${field}: ${decoy}\n`,
  "a line of blanks, then a decoy": (field, value, decoy) =>
    `${field}: ${value}\nX: y\n  \n ${field}: ${decoy}\n`,
  "a line of a blank": (field, value) => `${field}: ${value}\n \n`,
  "NUL in the value": (field, value) => `${field}: ${value}\0\n`,
  "carriage return in the value": (field, value) => `${field}: ${value.slice(0, 1)}\r${value.slice(1)}\n`,
  "carriage return at the end": (field, value) => `${field}: ${value}\r\n`,
  "blanks around the value": (field, value) => `${field}:  \t${value} \t \n`,
  "no blank before the value": (field, value) => `${field}:${value}\n`,
  "in small letters": (field, value) => `${field.toLowerCase()}: ${value}\n`,
  "in capitals": (field, value) => `${field.toUpperCase()}: ${value}\n`,
  "no-break space after the value": (field, value) => `${field}: ${value}\xa0\n`,
  "vertical tab after the value": (field, value) => `${field}: ${value}\v\n`,
  "zero before the value": (field, value) => `${field}: 0${value}\n`,
  "plus before the value": (field, value) => `${field}: +${value}\n`,
  "an escape in the value": (field, value) => `${field}: ${value.slice(0, -1)}%3a${value.slice(-1)}\n`,
  "a tilde and an underscore in the value": (field, value) =>
    `${field}: ${value.slice(0, -1)}~_${value.slice(-1)}\n`,
  "a dot and a slash before the value": (field, value) => `${field}: ./${value}\n`,
  "junk after the value": (field, value) => `${field}: ${value} x\n`,
  "in capital digits": (field, value) => `${field}: ${value.toUpperCase()}\n`,
  empty: (field) => `${field}:\n`,
  missing: () => "",
  "a long line beside it": (field, value) => `X: ${"y".repeat(70_000)}\n${field}: ${value}\n`,
  "an empty line of carriage returns after it": (field, value) => `${field}: ${value}\n\r\r\n`,
  "a stanza of its own before it": (field, value) => `\n${field}: ${value}\n`,
  "a byte order mark before it": (field, value) => `\xef\xbb\xbf${field}: ${value}\n`,
};

interface Mutant {
  readonly label: string;
  readonly name: string;
  readonly text: Buffer;
}

/** Each mutation of each field, and some pairs of them. */
export function mutants(): Mutant[] {
  const names = Object.keys(decoys);
  const kinds = Object.keys(mutations);
  const made: Mutant[] = [];
  const make = (chosen: readonly (readonly [field: string, kind: string])[]) => {
    const name = `m${made.length}x`;
    const lines = fieldsOf(name).map(([field, value]) => {
      const kind = chosen.find(([of]) => of === field)?.[1];
      const mutation = kind === undefined ? undefined : mutations[kind];
      return mutation ? mutation(field, value, decoys[field] ?? "") : `${field}: ${value}\n`;
    });
    made.push({
      label: chosen.map((pair) => pair.join(" ")).join(" and "),
      name,
      text: Buffer.from(`${lines.join("")}\n`, "latin1"),
    });
  };
  for (const field of names) for (const kind of kinds) make([[field, kind]]);
  // Pairs, the same ones in each run.
  let seed = 20_261_128;
  const any = <T>(list: readonly T[]): T => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return list[(seed >>> 8) % list.length] as T;
  };
  for (let count = 0; count < 300; count += 1)
    make([
      [any(names), any(kinds)],
      [any(names), any(kinds)],
    ]);
  return made;
}

interface Read {
  readonly mutant: Mutant;
  readonly facts: Facts;
  readonly kept: string;
  readonly unfit: string | undefined;
  readonly relations: readonly Alternative[];
}

/** The mutations in which one package is found, with that package. */
export async function accepted(): Promise<Read[]> {
  const found: Read[] = [];
  for (const mutant of mutants()) {
    const { packages, odd } = await readPackages([mutant.text], "Packages", new IndexBudget());
    const [one] = packages;
    // All readers skip packages for other architectures.
    if (odd.length > 0 || !one || !["amd64", "all"].includes(one.architecture)) continue;
    if (packages.length !== 1) throw new Error(`${mutant.label}: ${packages.length} packages, not one`);
    const { name, version, path, size, sha256: digest, unfit } = one;
    const facts = { name, version, path, size: String(size), sha256: digest };
    found.push({
      mutant,
      facts,
      kept: poolPath(one, "main"),
      unfit,
      relations: parseRelations(one.field("Depends")).flat(),
    });
  }
  return found;
}

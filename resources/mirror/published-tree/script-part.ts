import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../../../hosts/shell.ts";

/**
 * A part of a script: the file of that name beside the module that asks for it. Before it stand the programs in Perl and
 * awk that it calls, each as the value of a variable; the part's header names them (see `programsOf`).
 *
 * @param directory of the part, and of its programs
 */
export function scriptPart(directory: string, name: string): string {
  const read = (file: string) => readFileSync(join(directory, file), "utf8");
  const part = read(name);
  const programs = [...programsOf(part)].map(
    ([variable, files]) => `${variable}=${quote(files.map(read).join("\n"))}`,
  );
  return [...programs, part].join("\n");
}

/**
 * What the line `# Programs:` in the header of a part names: by variable, the files that are its text, one after the other.
 *
 *     # Programs: LISTED (listed.perl), TAKE_INDEX (stanza.perl + take-index.perl)
 */
export function programsOf(part: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    headerEntries(part, "Programs").flatMap(({ names, from }) =>
      names.map((name): [string, string[]] => [name, from.split(" + ")]),
    ),
  );
}

/** Names in the header of a part, and what is said of them in brackets; nothing where nothing is. */
interface HeaderEntry {
  readonly names: readonly string[];
  readonly from: string;
}

/**
 * What the header of a part says under a key. It begins with `# KEY: ` and goes on in lines that begin with `#   `: groups of
 * names, separated by commas, what is said of each group in brackets behind it.
 */
export function headerEntries(part: string, key: string): HeaderEntry[] {
  const header = /^(?:#.*\n)*/.exec(part)?.[0] ?? "";
  const said = new RegExp(`^# ${key}: (.*(?:\\n# {3}.*)*)`, "m").exec(header)?.[1] ?? "";
  return said
    .replaceAll(/\n# {3}/g, " ")
    .split(",")
    .map((group) => {
      const [, names = "", from = ""] = /^([^(]*)(?:\((.*)\))?\s*$/.exec(group) ?? [];
      return { names: names.split(" ").filter(Boolean), from };
    })
    .filter(({ names }) => names.length > 0);
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../../../hosts/shell.ts";

/**
 * A part of a script: the file with that name beside the module that requests it. The programs in Perl and awk that it
 * calls come before it, each as the value of a variable; the part's header names them (see `programsOf`).
 *
 * @param directory Directory of the part, and of its programs.
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
 * The programs in the line `# Programs:` in the header of a part: by variable, the files of its text, in order.
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

/** Names in the header of a part, with the text in brackets after them, if any. */
interface HeaderEntry {
  readonly names: readonly string[];
  readonly from: string;
}

/**
 * The entries of a key in the header of a part. It begins with `# KEY: ` and continues in lines that begin with `#
 * `: groups of names, separated by commas, each followed by a text in brackets.
 */
export function headerEntries(part: string, key: string): HeaderEntry[] {
  const header = /^(?:#.*\n)*/.exec(part)?.[0] ?? "";
  const entries = new RegExp(`^# ${key}: (.*(?:\\n# {3}.*)*)`, "m").exec(header)?.[1] ?? "";
  return entries
    .replaceAll(/\n# {3}/g, " ")
    .split(",")
    .map((group) => {
      const [, names = "", from = ""] = /^([^(]*)(?:\((.*)\))?\s*$/.exec(group) ?? [];
      return { names: names.split(" ").filter(Boolean), from };
    })
    .filter(({ names }) => names.length > 0);
}

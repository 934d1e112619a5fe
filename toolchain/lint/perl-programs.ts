import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { programsOf } from "../../resources/mirror/published-tree/script-part.ts";

/**
 * The programs in Perl as hosts run them. Several parts of a script call perl with the texts of several files, one after the
 * other. A file that no part calls is a separate program. `#line` directives give each line its file, for perl's messages.
 *
 * @param parts files of shell
 * @param files in Perl
 */
export function perlPrograms(parts: readonly string[], files: readonly string[]): string[] {
  const texts = parts.map((part) => ({ directory: dirname(part), text: readFileSync(part, "utf8") }));
  const filesOf = new Map(
    texts.flatMap(({ directory, text }) =>
      [...programsOf(text)].map(([variable, names]) => [
        variable,
        names.map((name) => join(directory, name)),
      ]),
    ),
  );
  const called = texts.flatMap(({ text }) =>
    [...text.matchAll(/\bperl -e "((?:\$[A-Z_]+)+)"/g)].map(([, variables = ""]) =>
      variables.split("$").flatMap((variable) => filesOf.get(variable) ?? []),
    ),
  );
  const alone = files.filter((file) => !called.flat().includes(file)).map((file) => [file]);
  return [...called, ...alone].map((program) =>
    program.map((file) => `#line 1 "${file}"\n${readFileSync(file, "utf8")}`).join("\n"),
  );
}

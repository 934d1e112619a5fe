import { ExplainedError } from "../../../errors/explained-error.ts";
import { ownerText } from "../../kernel/name-on-hosts.ts";

/**
 * Why a service refuses a change, from the lines of undo.sh.
 *
 * @param reported Returns the lines with a keyword, without it.
 * @param restored Whether all is as before; undefined if nothing was changed.
 * @param secretFiles Paths of files whose content must not be shown.
 */
export function checkError(
  reported: (word: string) => string[][],
  restored: boolean | undefined,
  secretFiles: readonly string[] = [],
): ExplainedError | undefined {
  const [unit, port, who] = reported("busy")[0] ?? [];
  if (unit) {
    return new ExplainedError({
      step: `checking who listens on port ${port}`,
      found: `${processText(decoded(who))} listens there, which is not part of ${unit}`,
      remedy: "Declare another port, or stop what listens there (`ss -ltnp` on the host shows it).",
    });
  }
  const [rejecting = "", action, text] = reported("rejected")[0] ?? [];
  if (!rejecting) return undefined;
  const after =
    restored === undefined
      ? "Nothing has been changed."
      : restored
        ? "The previous state has been restored."
        : "The previous state could not be restored: the next update on this host will try again.";
  const already = reported("already").find(([name]) => name === rejecting)?.[1];
  if (already !== undefined) {
    const owners = reported("blamed").map(
      ([path, owner]) => `${decoded(path)} is declared by ${ownerText(owner)}`,
    );
    return new ExplainedError({
      step: `checking the configuration of ${rejecting}`,
      found: [
        `it was already refused before this update changed anything: ${importantLines(withoutQuoted(decoded(already), secretFiles))}`,
        ...new Set(owners),
        after,
      ].join("\n"),
      remedy: "Fix the file that the message names, then run the update again.",
    });
  }
  return new ExplainedError({
    step: `${action === "reload" ? "reloading" : "checking the new configuration of"} ${rejecting}`,
    found: `${importantLines(decoded(text)) || "it failed without output"}\n${after}`,
    remedy: "Correct the declaration as the message says, then run the update again.",
  });
}

function decoded(base64 = ""): string {
  return Buffer.from(base64, "base64").toString("utf8").trim();
}

/**
 * The lines without the quoted parts of secret files. If such a file was changed by hand, its content is not known, so
 * it cannot be recognised in a message.
 */
function withoutQuoted(text: string, secretFiles: readonly string[]): string {
  const shown = (line: string) =>
    line.replaceAll(/(["'`])(.*?)\1/g, (whole, quote: string, part: string) =>
      secretFiles.includes(part) ? whole : `${quote}[secret]${quote}`,
    );
  const isAboutSecret = (line: string) => secretFiles.some((path) => line.includes(path));
  return text
    .split("\n")
    .map((line) => (isAboutSecret(line) ? shown(line) : line))
    .join("\n");
}

/** The important lines of a checker's output: its errors, if it marks them, otherwise the last lines. */
function importantLines(text: string): string {
  const lines = text.split("\n").filter(Boolean);
  const errors = lines.filter((line) => /\[(emerg|alert|crit)\]|\b(error|fatal)\b/i.test(line));
  return beginning((errors.length > 0 ? errors : lines).slice(-5).join("\n"));
}

/** The beginning of a long text. It ends with a whole word: a part of a secret would not be recognised as secret. */
function beginning(text: string): string {
  return text.length > 2000 ? `${text.slice(0, 2000).replace(/\S*$/, "")}…` : text;
}

/** `"apache2",pid=71` as text for messages. */
function processText(text: string): string {
  return text.replaceAll(/"([^"]*)",pid=(\d+)/g, "$1 (process $2)") || "another process";
}

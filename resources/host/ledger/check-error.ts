import { ExplainedError } from "../../../errors/explained-error.ts";
import { ownerText } from "../../kernel/name-on-hosts.ts";

/**
 * Why a service does not take a change, from the lines of undo.sh.
 *
 * @param told the lines that begin with a word, without it
 * @param restored whether all is as it was before; undefined where nothing was changed
 */
export function checkError(
  told: (word: string) => string[][],
  restored: boolean | undefined,
): ExplainedError | undefined {
  const [unit, port, who] = told("busy")[0] ?? [];
  if (unit) {
    return new ExplainedError({
      step: `looking for who listens on port ${port}`,
      found: `${processText(decoded(who))} does, which is not of ${unit}`,
      remedy: "Declare another port, or stop what listens there (`ss -ltnp` on the host shows it).",
    });
  }
  const [rejecting = "", action, text] = told("rejected")[0] ?? [];
  if (!rejecting) return undefined;
  const after =
    restored === undefined
      ? "Nothing has been changed."
      : restored
        ? "What was there before has been put back."
        : "What was there before could not be put back: the next update on this host does so.";
  const already = told("already").find(([name]) => name === rejecting)?.[1];
  if (already !== undefined) {
    const owners = told("blamed").map(
      ([path, owner]) => `${decoded(path)} is declared by ${ownerText(owner)}`,
    );
    return new ExplainedError({
      step: `checking the configuration of ${rejecting}`,
      found: [
        `it was refused before this update changed anything: ${lastWords(decoded(already))}`,
        ...new Set(owners),
        after,
      ].join("\n"),
      remedy: "Put right the file that the message names, then run the update again.",
    });
  }
  return new ExplainedError({
    step: `${action === "reload" ? "reloading" : "checking the new configuration of"} ${rejecting}`,
    found: `${lastWords(decoded(text)) || "it failed without a word"}\n${after}`,
    remedy: "Correct what is declared, as the message says, then run the update again.",
  });
}

function decoded(base64 = ""): string {
  return Buffer.from(base64, "base64").toString("utf8").trim();
}

/** What matters of what a checker says: its errors, where it marks them, else its end. */
function lastWords(text: string): string {
  const lines = text.split("\n").filter(Boolean);
  const errors = lines.filter((line) => /\[(emerg|alert|crit)\]|\b(error|fatal)\b/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(-5).join("\n").slice(0, 2000);
}

/** `"apache2",pid=71` as people say it. */
function processText(said: string): string {
  return said.replaceAll(/"([^"]*)",pid=(\d+)/g, "$1 (process $2)") || "something";
}

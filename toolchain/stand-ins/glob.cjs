/**
 * A path pattern with the syntax of github.com/gobwas/glob and "/" as separator: `*` and `?` do not match a slash, `**`
 * does, `[a-z]` and `[!a-z]` are one character, `{a,b}` is either, `\` escapes the next character.
 * A leading `!` excludes the matching files.
 */
function matcher(pattern) {
  const includes = !pattern.startsWith("!");
  const expression = new RegExp(`^${translated(includes ? pattern : pattern.slice(1))}$`, "su");
  return { includes, matches: (file) => expression.test(file) };
}

function translated(pattern) {
  let depth = 0;
  return pattern.replace(/\\(.)|\*\*|\[!?[^\]]+\]|./gsu, (token, escaped) => {
    if (escaped !== undefined) return literal(escaped);
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 1 && token.startsWith("[")) return token.replace(/^\[!/, "[^");
    if (token === "{") {
      depth++;
      return "(?:";
    }
    if (token === "}" && depth > 0) {
      depth--;
      return ")";
    }
    if (token === "," && depth > 0) return "|";
    return literal(token);
  });
}

const literal = (character) => character.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");

module.exports = { matcher };

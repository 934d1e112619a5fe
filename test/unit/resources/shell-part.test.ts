import { expect, test } from "@jest/globals";
import { shellFacts } from "./shell-part.ts";

const facts = (text: string) => {
  const { functions, called, assigned, used } = shellFacts(text);
  return { functions, called: [...called].sort(), assigned: [...assigned].sort(), used: [...used].sort() };
};

test.each<[string, string, string[]]>([
  ["after operators and in subshells", "a && b || c; d | e & (f; g) >x\n! h", [..."abcdefgh"]],
  ["in substitutions, also quoted ones", 'x=$(a "$(b)") y="${z:-$(c)}" d', [..."abcd"]],
  [
    "of compound commands",
    "if a; then b; elif c; then d; else e; fi\nwhile f; do { g; }; done",
    [..."abcdefg"],
  ],
  [
    "after patterns, which are not commands",
    'case "$x" in p | q) a ;; "r s" | *t) b; c ;; (u) ;; esac; d',
    [..."abcd"],
  ],
  ["of functions", "f() { a; }\ng() (\n  b\n)\n", ["a", "b"]],
  ["after assignments and redirections", "x=1 >y 2>&1 a <z b", ["a"]],
  [
    "that are passed to other commands",
    "trap a EXIT; in_parallel b x; each_unwanted c",
    ["trap", "a", "in_parallel", "b", "each_unwanted", "c"],
  ],
  ["in continued lines, but not in comments", "# no\na \\\n  b | # no; no\n  c#d\n", ["a", "c#d"]],
])("the parser finds commands %s", (_, text, called) => {
  expect(facts(text).called).toEqual(called.toSorted());
});

test("the parser finds functions", () => {
  expect([...facts("f() { :; }\ng() (\n  h\n)\n").functions]).toEqual(["f", "g"]);
});

test("a word in quotes, an argument or a pattern is not a command", () => {
  expect(facts(`echo 'a; b' "c; d" e; case f in g) ;; esac`).called).toEqual(["echo"]);
});

test("the parser finds assigned variables", () => {
  expect(
    facts('a=1 b="$(c=2)"\nfor d in x; do read -r e _ <f; done\nfor g; do export h=1 i; done').assigned,
  ).toEqual(["_", "a", "b", "c", "d", "e", "g", "h"]);
});

test("the parser finds used variables, but not in single quotes", () => {
  expect(
    facts(`echo $a "\${b:-$c}" \${#d} \${e%"$f"} $((g + $h * (i - 1))) '$no' $1 "$@" $# \\$no`).used,
  ).toEqual([..."abcdefghi"]);
});

test("the parser finds programs that are passed to perl and awk", () => {
  const text = `awk -F: '{ print }' x; perl -e "$A"'print 1' y; echo 'no'`;
  expect(shellFacts(text).programs).toEqual(["{ print }", "print 1"]);
});

test.each(["cat <<END\nEND\n", "a=`b`", "a)", 'a "b', "(a"])("the parser refuses %j", (text) => {
  expect(() => shellFacts(text)).toThrow(/^Line \d+: /);
});

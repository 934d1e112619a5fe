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
    "behind patterns, which are none",
    'case "$x" in p | q) a ;; "r s" | *t) b; c ;; (u) ;; esac; d',
    [..."abcd"],
  ],
  ["of functions", "f() { a; }\ng() (\n  b\n)\n", ["a", "b"]],
  ["behind assignments and redirections", "x=1 >y 2>&1 a <z b", ["a"]],
  [
    "that are given to others",
    "trap a EXIT; in_parallel b x; each_unwanted c",
    ["trap", "a", "in_parallel", "b", "each_unwanted", "c"],
  ],
  ["in continued lines, past comments", "# no\na \\\n  b | # no; no\n  c#d\n", ["a", "c#d"]],
])("finds commands %s", (_, text, called) => {
  expect(facts(text).called).toEqual(called.toSorted());
});

test("finds functions", () => {
  expect([...facts("f() { :; }\ng() (\n  h\n)\n").functions]).toEqual(["f", "g"]);
});

test("a word in quotes, an argument or a pattern is no command", () => {
  expect(facts(`echo 'a; b' "c; d" e; case f in g) ;; esac`).called).toEqual(["echo"]);
});

test("finds what is assigned", () => {
  expect(
    facts('a=1 b="$(c=2)"\nfor d in x; do read -r e _ <f; done\nfor g; do export h=1 i; done').assigned,
  ).toEqual(["_", "a", "b", "c", "d", "e", "g", "h"]);
});

test("finds what is used, and nothing in single quotes", () => {
  expect(
    facts(`echo $a "\${b:-$c}" \${#d} \${e%"$f"} $((g + $h * (i - 1))) '$no' $1 "$@" $# \\$no`).used,
  ).toEqual([..."abcdefghi"]);
});

test("finds programs that are given to perl and awk", () => {
  const text = `awk -F: '{ print }' x; perl -e "$A"'print 1' y; echo 'no'`;
  expect(shellFacts(text).programs).toEqual(["{ print }", "print 1"]);
});

test.each(["cat <<END\nEND\n", "a=`b`", "a)", 'a "b', "(a"])("refuses %j", (text) => {
  expect(() => shellFacts(text)).toThrow(/^Line \d+: /);
});

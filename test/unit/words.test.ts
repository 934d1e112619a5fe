import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";

/** A way of writing that is hard to read, and what to write instead. */
interface Phrase {
  readonly phrase: RegExp;
  readonly instead: string;
  /** Also in comments and texts of sources; otherwise in documents only. */
  readonly inSources?: true;
}

const phrases: readonly Phrase[] = [
  { phrase: /\bones? own\b|\bone's own\b/i, instead: "the owner: the mirror's key", inSources: true },
  { phrase: /\bstands? (here|there) twice\b/i, instead: "is a duplicate", inSources: true },
  { phrase: /\blooks away\b/i, instead: "does not check", inSources: true },
  { phrase: /\blends its\b/i, instead: "is used with its", inSources: true },
  { phrase: /\bcannot be declared so\b/i, instead: "is not supported, with the reason", inSources: true },
  { phrase: /\bthat is none\b/i, instead: "is not a ...", inSources: true },
  { phrase: /\b(the|this) house\b/i, instead: "the folders, the project", inSources: true },
  { phrase: /\b(a|each|every) room\b/i, instead: "a folder", inSources: true },
  { phrase: /\btake(s|n)? up(?! to)\b/i, instead: "adopt, continue", inSources: true },
  { phrase: /\bput(s|ting)? right\b/i, instead: "fix, correct", inSources: true },
  { phrase: /\blet(s|ting)? go\b/i, instead: "release, delete", inSources: true },
  { phrase: /\bgo(es)? on with\b/i, instead: "continue", inSources: true },
  { phrase: /\bas it is\b/i, instead: "unchanged", inSources: true },
  { phrase: /\b(is|are) to be\b/i, instead: "must be, will be", inSources: true },
  { phrase: /\b(says|said)\b/i, instead: "reports, shows, states" },
  { phrase: /\bwants?\b/i, instead: "must, requires, needs" },
  { phrase: /\bwhoever\b/i, instead: "the subject: a person who, a process that", inSources: true },
  { phrase: /\bnobody\b/i, instead: "the subject: no client, no resource" },
  { phrase: /\bwithout a word\b/i, instead: "without an error, without a message", inSources: true },
  { phrase: /\bwhat (is|was) there\b/i, instead: "the existing files, the previous value", inSources: true },
  { phrase: /\botherwise than\b/i, instead: "differently from", inSources: true },
  { phrase: /\btell(s)? (us|that|whether|how|what)\b/i, instead: "reports, shows, returns", inSources: true },
  { phrase: /\banew\b/i, instead: "again", inSources: true },
];

const root = resolve(import.meta.dirname, "../..");
const files = readdirSync(root, { withFileTypes: true })
  .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(root, entry.name), { recursive: true, encoding: "utf8" }).map((name) =>
          join(entry.name, name),
        )
      : [entry.name],
  );
const documents = files.filter((name) => name.endsWith(".md"));
const thisFile = relative(root, import.meta.filename);
const sources = files.filter((name) => /\.(ts|sh|perl|awk|py|cjs|js)$/.test(name) && name !== thisFile);

/** Prose without code and addresses: the output of a program is quoted unchanged. */
function proseOf(markdown: string): string {
  return markdown
    .replaceAll(/^ *```[\s\S]*?^ *```/gm, " ")
    .replaceAll(/`[^`\n]*`/g, "CODE")
    .replaceAll(/\]\([^)\s]*\)/g, "]");
}

/** A source without the marks of comments, because a sentence may continue on the next line. */
function sentencesOf(source: string): string {
  return source.replaceAll(/^\s*(\*|\/\/|#)\s?/gm, "");
}

/** Each phrase that a text has, with its surroundings. */
function findings(text: string, list: readonly Phrase[]): string[] {
  const line = text.replaceAll(/\s+/g, " ");
  return list.flatMap(({ phrase, instead }) =>
    [...line.matchAll(new RegExp(phrase, "gi"))].map(
      ({ index, 0: found }) =>
        `${line.slice(Math.max(0, index - 40), index + found.length + 30)} (write: ${instead})`,
    ),
  );
}

describe("phrases that are hard to read", () => {
  test("are in no document", () => {
    expect(documents).toEqual(expect.arrayContaining(["README.md", "docs/glossary.md", "lab/README.md"]));
    const found = documents.flatMap((path) =>
      findings(proseOf(readFileSync(join(root, path), "utf8")), phrases).map((each) => `${path}: ${each}`),
    );
    expect(found).toEqual([]);
  });

  test("are in no comment and no text of a source", () => {
    expect(sources).toEqual(expect.arrayContaining(["index.ts", "resources/mirror/published-tree/guard.sh"]));
    const list = phrases.filter(({ inSources }) => inSources);
    const found = sources.flatMap((path) =>
      findings(sentencesOf(readFileSync(join(root, path), "utf8")), list).map((each) => `${path}: ${each}`),
    );
    expect(found).toEqual([]);
  });

  test.each([
    ["in a sentence", proseOf("A file stands here twice.")],
    ["across lines of a document", proseOf("A file stands\nhere twice.")],
    ["across lines of a comment", sentencesOf("  /**\n   * A file stands\n   * here twice.\n   */")],
    ["across lines of a shell comment", sentencesOf("# A file stands\n# here twice.")],
    ["in a text", sentencesOf('  found: "it stands here twice",')],
  ])("are found %s", (_, text) => {
    expect(findings(text, phrases)).toEqual([expect.stringContaining("stands here twice")]);
  });

  test.each([
    ["in a quotation as code", "The error is `it stands here twice`."],
    ["in the output of a program", "It prints:\n\n```\nit stands here twice\n```\n"],
  ])("are allowed %s", (_, text) => {
    expect(findings(proseOf(text), phrases)).toEqual([]);
  });
});

test("the glossary has each term once, in alphabetical order", () => {
  const text = readFileSync(join(root, "docs/glossary.md"), "utf8");
  const terms = [...text.matchAll(/^- \*\*([^*]+)\*\*: /gm)].map(([, term = ""]) => term.toLowerCase());
  expect(terms.length).toBeGreaterThan(0);
  expect(terms).toEqual([...new Set(terms)].sort());
});

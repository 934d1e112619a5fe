import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { differingLines } from "../../../content/apt/differing-lines.ts";
import { parsePlanText, planText, type WrittenPlan } from "../../../content/apt/plan.ts";
import { comparePlans, type SuiteChange } from "../../../content/apt/plan-comparison.ts";
import { canonical, title } from "../../../content/apt/plan-lines.ts";
import type { PlanRow } from "../../../content/apt/plan-row.ts";
import { orRefused } from "./or-refused.ts";
import { digest, sanePath, size, word } from "./upstream-values.ts";

const head = fc.record({ date: word, releaseSha256: digest });

/** Names that some packages, suites and files share. */
const few = (prefix: string, count: number) =>
  fc.nat({ max: count - 1 }).map((number) => `${prefix}${number}`);

/** A plan with any valid values. */
const anyPlan: fc.Arbitrary<WrittenPlan> = fc.record({
  suites: fc.dictionary(word, head, { maxKeys: 3 }).map((suites) => ({ ...suites })),
  rows: fc.array(
    fc
      .record({
        path: sanePath,
        size,
        sha256: digest,
        package: fc.option(
          fc.record({ suite: word, component: word, architecture: word, name: word, version: word }),
        ),
      })
      .map(({ package: found, ...row }): PlanRow => (found ? { ...row, package: found } : row)),
    { maxLength: 5 },
  ),
});

const textOf = (plan: WrittenPlan): string =>
  [
    ...planText({
      suites: Object.fromEntries(
        Object.entries(plan.suites).map(([name, one]) => [name, { ...one, packages: 0, bytes: 0 }]),
      ),
      rows: plan.rows,
    }),
  ].join("");

describe("the text of a plan", () => {
  test("is read as it was written, from a string and from bytes", () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const text = textOf(plan);
        expect(parsePlanText(text)).toEqual(plan);
        expect(parsePlanText(Buffer.from(text))).toEqual(plan);
        expect(textOf(parsePlanText(text))).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  test("does not depend on the order of the rows or on repeated rows", () => {
    const orders = anyPlan.chain((plan) =>
      fc.tuple(
        fc.constant(plan),
        fc.shuffledSubarray([...plan.rows, ...plan.rows], { minLength: plan.rows.length * 2 }),
      ),
    );
    fc.assert(
      fc.property(orders, ([plan, rows]) => {
        const text = textOf({ ...plan, rows: canonical(plan.rows) });
        expect(textOf({ ...plan, rows: canonical(rows) })).toBe(text);
        const lines = text.trimEnd().split("\n");
        const files = lines.slice(1 + Object.keys(plan.suites).length);
        expect([...new Set(files)].sort()).toEqual(files);
      }),
      { numRuns: 200 },
    );
  });

  test("that somebody changed is read into valid rows, or refused", () => {
    const part = fc.oneof(
      word,
      digest,
      fc.nat().map(String),
      fc.constantFrom("", "suite", "__proto__", "\r", "\0", "é"),
    );
    const line = fc.array(part, { maxLength: 9 }).map((parts) => parts.join(" "));
    const hostile = fc
      .tuple(
        fc.constantFrom("", title),
        fc.array(
          fc.oneof(
            line,
            anyPlan.map((plan) => textOf(plan).trimEnd().split("\n").at(-1) ?? ""),
          ),
          { maxLength: 4 },
        ),
        fc.constantFrom("", "\n"),
      )
      .map(([first, lines, end]) => [first, ...lines].join("\n") + end);
    fc.assert(
      fc.property(hostile, (text) => {
        const plan = orRefused(() => parsePlanText(text));
        expect(orRefused(() => parsePlanText(Buffer.from(text)))).toEqual(plan);
        for (const { path, size, sha256 } of plan?.rows ?? []) {
          expect(sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
          expect(path).not.toMatch(/[\x00-\x20\x7f]|^$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

const suite = few("suite", 2);

/** A plan as of a real archive: many rows share a name, and the size of a content is always the same. */
const likelyPlan: fc.Arbitrary<WrittenPlan> = fc
  .record({
    suites: fc.uniqueArray(suite, { minLength: 1 }),
    rows: fc.array(
      fc.record({
        content: fc.nat({ max: 15 }),
        isPackage: fc.nat({ max: 4 }).map((number) => number > 0),
        suite,
        architecture: fc.constantFrom("amd64", "arm64", "all", "source"),
        name: few("p", 5),
        version: few("1.", 3),
      }),
      { maxLength: 15 },
    ),
  })
  .map(({ suites, rows }) => ({
    suites: Object.fromEntries(
      suites.sort().map((name) => [name, { date: "2026-11-28", releaseSha256: digestOf(0) }]),
    ),
    rows: canonical(
      rows.map(({ content, isPackage, ...found }) => {
        const { suite, name, version, architecture } = found;
        const path = isPackage
          ? `pool/${name}_${version}_${architecture}_${content}`
          : `dists/${suite}/by-hash/SHA256/${content}`;
        const row = { path, sha256: digestOf(content), size: 10 + content };
        return isPackage ? { ...row, package: { ...found, component: "main" } } : row;
      }),
    ),
  }));

/** Spreads the digests, so that their order differs from the order of their numbers. */
const digestOf = (content: number) => ((content * 7) % 16).toString(16).repeat(64);
const isEven = (sha256: string) => Number.parseInt(sha256.slice(0, 1), 16) % 2 === 0;

/** A plan and a later one: some rows were removed, and some were added. */
const changedPlan = fc
  .record({
    before: likelyPlan,
    kept: fc.array(
      fc.nat({ max: 3 }).map((number) => number > 0),
      { minLength: 15, maxLength: 15 },
    ),
    more: likelyPlan,
  })
  .map(({ before, kept, more }) => ({
    before,
    after: {
      ...more,
      rows: canonical([...before.rows.filter((_, at) => kept[at]), ...more.rows.slice(0, 3)]),
    },
  }));

/** Without the order of the packages, which users do not see. */
const ordered = (changes: ReadonlyMap<string, SuiteChange>) =>
  [...changes].map(([name, { added, changed, removed, architectures, bytes }]) => {
    const sorted = [added, changed, removed].map((list) => list.map((one) => JSON.stringify(one)).sort());
    return { name, sorted, architectures, bytes };
  });

describe("the comparison of two plans", () => {
  test("is empty when nothing changes", () => {
    fc.assert(
      fc.property(fc.oneof(anyPlan, likelyPlan), (plan) => {
        expect(comparePlans(plan, plan)).toEqual(new Map());
        expect(comparePlans(plan, parsePlanText(textOf(plan)))).toEqual(new Map());
      }),
    );
  });

  test("is reversed when the two plans are swapped", () => {
    const turned = (changes: ReadonlyMap<string, SuiteChange>) =>
      new Map(
        [...changes].map(([name, { added, changed, removed }]) => {
          const back = (list: SuiteChange["added"]) =>
            list.map((one) => ({ ...one, from: one.to, to: one.from }));
          return [name, { added: back(removed), changed: back(changed), removed: back(added) }];
        }),
      );
    const named = (changes: ReadonlyMap<string, Pick<SuiteChange, "added" | "changed" | "removed">>) =>
      [...changes].flatMap(([name, { added, changed, removed }]) =>
        Object.entries({ added, changed, removed }).flatMap(([how, list]) =>
          list.map((one) => JSON.stringify([name, how, one.name, one.architecture, one.from, one.to])),
        ),
      );
    fc.assert(
      fc.property(changedPlan, ({ before, after }) => {
        const there = named(comparePlans(before, after));
        expect(named(turned(comparePlans(after, before))).sort()).toEqual(there.sort());
      }),
      { numRuns: 200 },
    );
  });

  test("is the same for the differing lines as for the whole texts", () => {
    fc.assert(
      fc.property(changedPlan, ({ before, after }) => {
        const differing = differingLines(textOf(before), Buffer.from(textOf(after)));
        const [less, more] = [parsePlanText(differing.before), parsePlanText(differing.after)];
        expect(ordered(comparePlans(less, more, isEven))).toEqual(
          ordered(comparePlans(before, after, isEven)),
        );
      }),
      { numRuns: 500 },
    );
  });
});

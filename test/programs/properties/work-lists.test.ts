import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { scriptPart } from "../../../resources/mirror/published-tree/script-part.ts";
import { type WorkItem, workListText } from "../../../resources/mirror/published-tree/work-list.ts";
import { orRefused } from "../../unit/properties/or-refused.ts";
import { digest, sanePath, size } from "../../unit/properties/upstream-values.ts";
import { scratchDirectory } from "../resources/mirror/published-tree/job-on-this-machine.ts";

const root = scratchDirectory("work-lists");
afterAll(() => rmSync(root, { recursive: true }));

const mirror = join(import.meta.dirname, "../../../resources/mirror");

/** The names that all kinds of trees use, together. */
const destinations = ["apt/pool.sh", "images/images.sh", "custom-image/custom-image.sh"].flatMap((script) => {
  const line = /^DESTINATIONS='?([a-z ]+)'?$/m.exec(readFileSync(join(mirror, script), "utf8"));
  return line?.[1]?.split(" ") ?? [];
});

/** Whether the host's guard accepts each of some work lists. One process reads all of them. */
function acceptedByGuard(lists: readonly Buffer[]): boolean[] {
  const directory = join(root, "lists");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  for (const [at, list] of lists.entries()) writeFileSync(join(directory, String(at)), list);
  const guard = scriptPart(join(mirror, "published-tree"), "guard.sh");
  const script = `${guard}
DESTINATIONS=$1 at=0
while [ -e "$2/$at" ]; do
  if (LIST=$2/$at; check_list) 2>"$2/said"; then echo accepted
  elif [ $? = 65 ] && grep -q "^fault the work list" "$2/said"; then echo refused
  else cat "$2/said"; fi
  at=$((at + 1))
done`;
  const printed = execFileSync("sh", ["-c", script, "sh", destinations.join(" "), directory], {
    encoding: "utf8",
  });
  const said = printed.trimEnd().split("\n");
  expect(said.filter((one) => one !== "accepted" && one !== "refused")).toEqual([]);
  expect(said).toHaveLength(lists.length);
  return said.map((one) => one === "accepted");
}

/** The lines of items without a check. */
const linesOf = (items: readonly WorkItem[]) =>
  Buffer.from(
    items.map(({ sha256, size, from, to }) => `${sha256}\t${size}\t${from ?? "-"}\t${to}\n`).join(""),
  );

const from = fc.option(
  sanePath.filter((path) => path !== "-"),
  { nil: undefined },
);
const to = fc.tuple(fc.constantFrom(...destinations), sanePath).map((parts) => parts.join("/"));
const item: fc.Arbitrary<WorkItem> = fc.record({ sha256: digest, size, from, to });

/** Contents at several places, and places that may be below each other. */
const crowded: fc.Arbitrary<WorkItem> = fc
  .record({
    content: fc.nat({ max: 3 }),
    more: fc.constantFrom(0, 0, 0, 1),
    to: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }),
  })
  .map(({ content, more, to }) => ({
    sha256: String(content).repeat(64),
    size: content + more,
    from: undefined,
    to: `tree/${to.join("/")}`,
  }));

/** Texts that are not valid relative paths, and similar ones. */
const oddPath = fc.oneof(
  fc
    .array(
      fc.oneof(
        fc.constantFrom("..", ".", "", "a", "tree", "é", "a b", "a\\b", "-"),
        fc.string({ unit: "binary", maxLength: 3 }),
      ),
      { maxLength: 4 },
    )
    .map((parts) => parts.join("/")),
  // Names and paths of the maximum length, and longer ones, in bytes and in characters.
  fc
    .tuple(fc.constantFrom("n", "é"), fc.constantFrom(127, 128, 255, 256))
    .map(([one, count]) => one.repeat(count)),
  fc.integer({ min: 1018, max: 1026 }).map((length) => `${"n/".repeat(513).slice(0, length - 1)}n`),
);

/** Changes one value of it. */
const oddItem = fc
  .tuple(
    item,
    fc.oneof(
      fc.record({
        to: fc.oneof(
          oddPath,
          fc.tuple(fc.constantFrom(...destinations, "etc"), oddPath).map((parts) => parts.join("/")),
        ),
      }),
      fc.record({ from: oddPath }),
      fc.record({
        size: fc.oneof(fc.double(), fc.integer(), fc.constantFrom(1e15, 999_999_999_999_999, -0)),
      }),
      fc.record({
        sha256: fc.oneof(
          digest.map((text) => text.toUpperCase()),
          digest.map((text) => text.slice(1)),
          digest.map((text) => `${text}\n`),
          fc.string({ unit: "binary" }),
        ),
      }),
    ),
  )
  .map(([sound, odd]): WorkItem => ({ ...sound, ...odd }));

/** Many lists per process, because the guard's process takes more time than they do. */
const many = <Value>(list: fc.Arbitrary<Value>) => fc.array(list, { minLength: 60, maxLength: 80 });

test("the guard on the host accepts every work list that the program writes", () => {
  fc.assert(
    fc.property(many(fc.array(item, { maxLength: 8 })), (lists) => {
      const written = lists.flatMap((items) => orRefused(() => workListText(items)) ?? []);
      expect(acceptedByGuard(written.map((text) => Buffer.from(text)))).toEqual(written.map(() => true));
      // Two items have the same place only rarely.
      expect(written.length).toBeGreaterThan(lists.length / 2);
    }),
    { numRuns: 2 },
  );
});

describe("the guard on the host refuses the same work lists as the program", () => {
  const oneOdd = fc.tuple(fc.array(item, { maxLength: 2 }), oddItem).map(([items, odd]) => [...items, odd]);

  test.each([
    ["an unusual value", oneOdd],
    ["items that contradict each other", fc.array(crowded, { maxLength: 5 })],
  ])("with %s", (_, list) => {
    const answers = new Set<boolean>();
    fc.assert(
      fc.property(many(list), (lists) => {
        const there = acceptedByGuard(lists.map(linesOf));
        const differing = lists.filter((items, at) => {
          const here = orRefused(() => workListText(items)) !== undefined;
          answers.add(here);
          // On the host, a hyphen as path would mean that the file was uploaded.
          return here !== there[at] && !items.some(({ from }) => from === "-");
        });
        expect(differing).toEqual([]);
      }),
      { numRuns: 2 },
    );
    expect(answers).toEqual(new Set([true, false]));
  });
});

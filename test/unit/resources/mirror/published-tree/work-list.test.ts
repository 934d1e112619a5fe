import { expect, test } from "@jest/globals";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";

const item = (changes: Partial<WorkItem> = {}): WorkItem => ({
  sha256: digestOf("a"),
  size: 1,
  from: "a",
  to: "tree/a",
  ...changes,
});

test("a work list has one line for each file, sorted", () => {
  const list = workListText([item({ to: "tree/b" }), item({ from: undefined })]);
  expect(list).toBe(`${digestOf("a")}\t1\t-\ttree/a\n${digestOf("a")}\t1\ta\ttree/b\n`);
});

test.each<[string, Partial<WorkItem>, string]>([
  ["a destination above the tree", { to: "tree/../../x" }, "outside of the mirror"],
  ["a destination of an unknown kind", { to: "etc/x" }, "outside of the mirror"],
  ["a destination without a name", { to: "tree" }, "outside of the mirror"],
  ["an absolute destination", { to: "/tree/x" }, "outside of the mirror"],
  ["a dot", { to: "tree/./x" }, "outside of the mirror"],
  ["an empty part", { to: "tree//x" }, "outside of the mirror"],
  ["a tab", { to: "tree/x\ty" }, "outside of the mirror"],
  ["a line end", { to: "tree/x\ny" }, "outside of the mirror"],
  ["a carriage return", { to: "tree/x\r" }, "outside of the mirror"],
  ["a name that is too long for file systems", { to: `tree/${"é".repeat(128)}` }, "outside of the mirror"],
  ["an origin above upstream", { from: "../x" }, "not a valid path below upstream"],
  ["an origin that is only a hyphen", { from: "-" }, "not a valid path below upstream"],
  ["a digest with a line end after it", { sha256: `${digestOf("a")}\n` }, "is not a valid SHA-256"],
  ["a digest in capitals", { sha256: digestOf("a").toUpperCase() }, "is not a valid SHA-256"],
  ["a negative size", { size: -1 }, "is not a valid size"],
  ["a size that is not a number", { size: Number.NaN }, "is not a valid size"],
  ["a fraction of a byte", { size: 1.5 }, "is not a valid size"],
  ["a size that a number cannot hold exactly", { size: 2 ** 60 }, "is not a valid size"],
])("%s is refused", (_, changes, expected) => {
  const made = () => workListText([item({ to: "tree/before" }), item(changes)]);
  expect(made).toThrow(ExplainedError);
  expect(made).toThrow(expected);
});

test.each<[string, WorkItem[], string]>([
  [
    "two sizes of one digest",
    [item(), item({ to: "tree/b", size: 2 })],
    "has 1 bytes in another entry, but 2",
  ],
  ["two contents of one path", [item(), item({ sha256: digestOf("b") })], "two contents"],
  [
    "a file and a directory at one path",
    [item(), item({ to: "tree/a/b" })],
    "tree/a is both a file and a dir",
  ],
])("%s are refused as contradictory", (_, items, expected) => {
  expect(() => workListText(items)).toThrow(expected);
});

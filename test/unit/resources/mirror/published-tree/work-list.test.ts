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

test("a work list has a line a file, sorted", () => {
  const list = workListText([item({ to: "tree/b" }), item({ from: undefined })]);
  expect(list).toBe(`${digestOf("a")}\t1\t-\ttree/a\n${digestOf("a")}\t1\ta\ttree/b\n`);
});

test.each<[string, Partial<WorkItem>, string]>([
  ["a destination above the tree", { to: "tree/../../x" }, "leads out"],
  ["a destination of no known kind", { to: "etc/x" }, "leads out"],
  ["a destination without a name", { to: "tree" }, "leads out"],
  ["an absolute destination", { to: "/tree/x" }, "leads out"],
  ["a dot", { to: "tree/./x" }, "leads out"],
  ["an empty part", { to: "tree//x" }, "leads out"],
  ["a tab", { to: "tree/x\ty" }, "leads out"],
  ["a line end", { to: "tree/x\ny" }, "leads out"],
  ["a carriage return", { to: "tree/x\r" }, "leads out"],
  ["a name longer than file systems take", { to: `tree/${"é".repeat(128)}` }, "leads out"],
  ["an origin above upstream", { from: "../x" }, "no path below upstream"],
  ["an origin that means what is handed over", { from: "-" }, "no path below upstream"],
  ["a digest with something behind it", { sha256: `${digestOf("a")}\n` }, "is no SHA-256"],
  ["a digest in capitals", { sha256: digestOf("a").toUpperCase() }, "is no SHA-256"],
  ["a negative size", { size: -1 }, "is no size"],
  ["a size that is no number", { size: Number.NaN }, "is no size"],
  ["a part of a byte", { size: 1.5 }, "is no size"],
  ["more bytes than numbers hold", { size: 2 ** 60 }, "is no size"],
])("%s is refused", (_, changes, expected) => {
  const made = () => workListText([item({ to: "tree/before" }), item(changes)]);
  expect(made).toThrow(ExplainedError);
  expect(made).toThrow(expected);
});

test.each<[string, WorkItem[], string]>([
  ["two sizes of one digest", [item(), item({ to: "tree/b", size: 2 })], "has 1 bytes in one place, and 2"],
  ["two contents of one path", [item(), item({ sha256: digestOf("b") })], "two contents"],
  ["a file that is a directory", [item(), item({ to: "tree/a/b" })], "tree/a is to be a file and a dir"],
])("%s are a contradiction", (_, items, expected) => {
  expect(() => workListText(items)).toThrow(expected);
});

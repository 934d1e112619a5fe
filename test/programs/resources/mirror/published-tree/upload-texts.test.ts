import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { uploadTexts } from "../../../../../resources/mirror/published-tree/upload-texts.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { HostOnThisMachine } from "../../../../host-on-this-machine.ts";
import { handOverTo, scratchDirectory } from "./job-on-this-machine.ts";

let root: string;
beforeEach(() => {
  root = scratchDirectory("texts");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const store = () => join(root, "store");
const placeOf = (text: string) => join(store(), digestOf(text).slice(0, 2), digestOf(text));
const give = (text: string) =>
  uploadTexts(new HostOnThisMachine("mirror", root), store(), [Buffer.from(text)]);

test("an uploaded text is in the store under its digest", async () => {
  await give("a text\n");
  expect(readFileSync(placeOf("a text\n"), "utf8")).toBe("a text\n");
});

test("a complete text in the store gets a new time, and a damaged text is replaced", async () => {
  handOverTo(store(), "text");
  utimesSync(placeOf("text"), 0, 0);
  const { ino } = statSync(placeOf("text"));
  await give("text");
  const found = statSync(placeOf("text"));
  expect([found.ino, found.mtimeMs > 0]).toEqual([ino, true]);
  for (const left of ["", "te", "TEXT"]) {
    writeFileSync(placeOf("text"), left);
    await give("text");
    expect(readFileSync(placeOf("text"), "utf8")).toBe("text");
  }
});

test.each(["store", "a directory of the store"])(
  "a symbolic link in the place of %s is not followed",
  async (which) => {
    const outside = join(root, "outside");
    mkdirSync(outside);
    if (which === "store") symlinkSync(outside, store());
    else {
      mkdirSync(store());
      symlinkSync(outside, join(placeOf("text"), ".."));
    }
    await expect(give("text")).rejects.toThrow(`is a symbolic link to ${outside}`);
    expect(readdirSync(outside)).toEqual([]);
  },
);

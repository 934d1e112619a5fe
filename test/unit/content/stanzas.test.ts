import { describe, expect, test } from "@jest/globals";
import { IndexBudget } from "../../../content/apt/index-budget.ts";
import { readPackages } from "../../../content/apt/packages.ts";
import { accepted, fieldsOf, mutants } from "./stanza-mutants.ts";

describe("stanzas with small mutations", () => {
  test("are accepted if the mutation is usual, such as blanks around a value", async () => {
    const labels = (await accepted()).map(({ mutant }) => mutant.label);
    for (const field of ["Package", "Version", "Filename", "Size", "SHA256", "Source"]) {
      for (const kind of [
        "carriage return at the end",
        "blanks around the value",
        "no blank before the value",
        "in small letters",
        "in capitals",
        "a long line beside it",
        "decoy in a continuation",
      ]) {
        expect(labels).toContain(`${field} ${kind}`);
      }
    }
    expect(labels).toContain("Depends continued");
    expect(labels).toContain("Description continued");
  });

  test.each([1, 2, 7, 63, 64, 1000])(
    "are read the same in pieces of %d bytes as in one piece",
    async (size) => {
      const whole = Buffer.concat(
        mutants()
          .slice(0, 200)
          .map(({ text }) => text),
      );
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
        whole.subarray(at * size, (at + 1) * size),
      );
      const inPieces = await readPackages(pieces, "Packages", new IndexBudget());
      expect(inPieces).toEqual(await readPackages([whole], "Packages", new IndexBudget()));
    },
  );
});

test("a value keeps no-break spaces at its ends, on one line and on several lines", async () => {
  const fields = fieldsOf("a").filter(([field]) => field !== "Depends");
  const relations = async (depends: string) => {
    const all = [...fields, ["Depends", depends]].map(([field, value]) => `${field}: ${value}\n`);
    const { packages } = await readPackages(
      [Buffer.from(all.join(""), "latin1")],
      "Packages",
      new IndexBudget(),
    );
    return packages[0]?.field("Depends");
  };
  expect(await relations("\xa0a, b\xa0")).toBe("\xa0a, b\xa0");
  expect(await relations("\xa0a,\n b\xa0")).toBe("\xa0a, b\xa0");
});

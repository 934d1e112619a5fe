import { expect, test } from "@jest/globals";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { explainedOnce } from "../../../errors/repeated-failure.ts";

const failure = (found = "no answer") =>
  new ExplainedError({ host: "mirror", step: "connecting", found, remedy: "A long remedy." });

test("the first resource with a failure explains it, and later ones refer to the first", () => {
  expect(explainedOnce(failure(), "Files a").message).toContain("A long remedy.");
  const second = explainedOnce(failure(), "Packages b").message;
  expect(second).toContain("host mirror: connecting: no answer");
  expect(second).toContain("See what is said of Files a.");
  expect(second).not.toContain("A long remedy.");
  expect(explainedOnce(failure(), "Files a").message).toContain("A long remedy.");
});

test("a different failure is explained in full", () => {
  expect(explainedOnce(failure("it refuses the key"), "Packages b").message).toContain("A long remedy.");
});

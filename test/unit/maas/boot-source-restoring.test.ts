import { describe, expect, test } from "@jest/globals";
import { type RestoringStep, remembered, restoringSteps } from "../../../maas/boot-sources/restoring.ts";
import { bytes, noble, selected, source, version } from "./boot-source-fixtures.ts";

const url = "http://mirror.dc1/images/";
const ours = source({ id: 5, selections: [selected(noble, 7)] });
const official = source({
  id: 1,
  url: "http://images.maas.io/ephemeral-v3/stable/",
  keyring: Buffer.alloc(0),
  keyringFilename: "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg",
  selections: [selected(noble, 1)],
});

function stepText(step: RestoringStep): string {
  if (step.do === "make source") {
    const { keyring } = step.fields;
    return `make ${step.fields.url} with ${"filename" in keyring ? keyring.filename : keyring.data}`;
  }
  if (step.do === "change source") return `change ${step.id} to ${step.fields.url}`;
  if (step.do === "delete source") return `delete ${step.id}`;
  if (step.do === "select") return `select ${step.selection.release} of ${step.url}`;
  return `${step.do} ${step.selection.release} (${step.source}/${step.id})`;
}

const back = (
  sources: Parameters<typeof restoringSteps>[1],
  before: Parameters<typeof restoringSteps>[3],
  number = "3.6",
) => restoringSteps(version(number), sources, [url], before).map(stepText);

describe("the previous state", () => {
  test("is restored before our source is deleted", () => {
    expect(back([ours], [remembered(official)])).toEqual([
      `make ${official.url} with ${official.keyringFilename}`,
      `select noble of ${official.url}`,
      "delete 5",
    ]);
  });

  test("is not changed when it still exists", () => {
    expect(back([official, ours], [remembered(official)])).toEqual(["delete 5"]);
  });

  test("is restored without deletion of a source that somebody added later", () => {
    const theirs = source({ id: 6, url: "http://theirs.dc1/" });
    expect(back([ours, theirs], [remembered(official)])).not.toContain("delete 6");
  });

  test("without sources is restored only when MAAS keeps another source", () => {
    expect(back([ours], [])).toEqual([]);
    expect(back([ours, official], [])).toEqual(["delete 5"]);
  });
});

describe("a source that was adopted", () => {
  const taken = { ...ours, keyring: bytes("theirs"), selections: [selected({ ...noble, labels: [] }, 7)] };

  test("gets its previous keyring and selections back", () => {
    const jammy = selected({ ...noble, release: "jammy" }, 8);
    expect(back([{ ...ours, selections: [...ours.selections, jammy] }], [remembered(taken)])).toEqual([
      `change 5 to ${url}`,
      "reselect noble (5/7)",
      "deselect jammy (5/8)",
    ]);
  });

  test("is made again to restore the file name of its keyring, because no change can restore it", () => {
    const file = { ...taken, keyring: Buffer.alloc(0), keyringFilename: "/k.gpg" };
    expect(back([ours], [remembered(file)])).toEqual([
      "make http://mirror.dc1/images with /k.gpg",
      "select noble of http://mirror.dc1/images",
      "delete 5",
    ]);
    // Since 3.8 a URL has only one spelling, and MAAS does not make a default source.
    expect(back([ours], [remembered(file)], "3.8")).toEqual([
      "delete 5",
      `make ${url} with /k.gpg`,
      `select noble of ${url}`,
    ]);
  });

  test("gets back the fields that MAAS has since 3.8", () => {
    const since38 = { name: "theirs", priority: 3, enabled: false, skipKeyringVerification: false };
    const before = remembered({ ...ours, ...since38 });
    expect(back([{ ...ours, ...since38, enabled: true }], [before], "3.8")).toEqual([`change 5 to ${url}`]);
    expect(back([{ ...ours, ...since38 }], [before], "3.8")).toEqual([]);
  });
});

test("before 3.8, MAAS has a source after each step", () => {
  const befores = [[], [official], [ours], [{ ...ours, keyring: Buffer.alloc(0), keyringFilename: "/k" }]];
  const nows = [[ours], [ours, official], [{ ...ours, id: 1 }]];
  for (const before of befores) {
    for (const now of nows) {
      let count = now.length;
      for (const step of restoringSteps(version("3.7"), now, [url], before.map(remembered))) {
        if (step.do === "make source") count++;
        if (step.do === "delete source") count--;
        expect(count).toBeGreaterThan(0);
      }
    }
  }
});

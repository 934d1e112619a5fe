import { describe, expect, test } from "@jest/globals";
import { sha256 } from "../../unit/content/small-archive.ts";
import { accepted } from "../../unit/content/stanza-mutants.ts";
import { readByApt, takenByReprepro } from "./stanza-oracles.ts";

describe("an accepted stanza", () => {
  test("is read as apt reads it", async () => {
    // apt rejects a whole index if it cannot parse a relation in it.
    const all = (await accepted()).filter(({ relations }) =>
      relations.every(({ name }) => /^[a-z0-9]+$/i.test(name)),
    );
    // apt converts names to lowercase, and keeps one package per name.
    const found = all.filter(
      ({ facts }, index) => all.findIndex((other) => other.facts.name === facts.name) === index,
    );
    const apt = readByApt(Buffer.concat(found.map(({ mutant }) => mutant.text)));
    for (const { mutant, facts } of found) {
      const name = facts.name.toLowerCase();
      expect([mutant.label, { ...apt.get(name), name, sha256: apt.get(name)?.sha256.toLowerCase() }]).toEqual(
        [mutant.label, { ...facts, name }],
      );
    }
    expect([...apt.keys()].sort()).toEqual(found.map(({ facts }) => facts.name.toLowerCase()).sort());
  });

  test("that is not unfit is read as reprepro reads it", async () => {
    const found = (await accepted()).filter(
      ({ unfit, facts, mutant }) => !unfit && facts.sha256 === sha256(mutant.name),
    );
    const files = new Map(found.map(({ mutant, facts }) => [facts.path, mutant.name]));
    const taken = takenByReprepro(Buffer.concat(found.map(({ mutant }) => mutant.text)), files);
    if (!(taken instanceof Map)) throw new Error(taken.fault);
    for (const { mutant, facts, kept } of found) {
      expect([mutant.label, taken.get(facts.name)]).toEqual([mutant.label, { ...facts, path: kept }]);
    }
    expect(taken.size).toBe(found.length);
  });
});

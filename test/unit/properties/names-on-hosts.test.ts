import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { nameOnHosts, ownerText } from "../../../resources/kernel/name-on-hosts.ts";

/** Names that are similar to parts of the resulting names. */
const part = fc.oneof(
  fc
    .array(fc.constantFrom("_", "of", "_of_", "5f", "_5f_", "a", "-", ".", " ", "/"), { maxLength: 5 })
    .map((all) => all.join("")),
  fc.string({ unit: "binary", maxLength: 4 }),
);
const resource = fc.tuple(part, part, part);

describe("a resource's name on hosts", () => {
  test("is unique, and has only ASCII letters, digits, dots, hyphens and underscores", () => {
    fc.assert(
      fc.property(resource, resource, (one, other) => {
        const [name, another] = [nameOnHosts(...one), nameOnHosts(...other)];
        expect(name === another).toBe(JSON.stringify(one) === JSON.stringify(other));
        expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
      }),
      { numRuns: 300 },
    );
  });

  test("is shown with the names of its declaration", () => {
    const kind = fc.constantFrom("files", "apttree");
    fc.assert(
      fc.property(kind, resource, (of, [name, stack, project]) => {
        const text = ownerText(`${of}-${nameOnHosts(name, stack, project)}`);
        expect(text).toBe(`${name} of the stack ${stack} (project ${project})`);
      }),
      { numRuns: 300 },
    );
  });

  test("of an unknown form is shown unchanged", () => {
    const any = fc.oneof(
      part,
      fc
        .array(fc.oneof(part, fc.constantFrom("_110000_", "_ffffffff_", "_d800_")), { maxLength: 4 })
        .map((all) => all.join("")),
    );
    fc.assert(
      fc.property(any, (id) => {
        const text = ownerText(id);
        if (!/_of_.*_of_/s.test(id)) expect(text).toBe(id);
      }),
      { numRuns: 300 },
    );
  });
});

import { expect, test } from "@jest/globals";
import { nameOnHosts } from "../../../resources/kernel/name-on-hosts.ts";

test("what two stacks have on one host never has one name", () => {
  const pairs = [
    ["dc1", "ubuntu"],
    ["dc1", "west-ubuntu"],
    ["dc1-west", "ubuntu"],
    ["dc1", "west-ubuntu-contents"],
    ["dc1-west", "ubuntu-contents"],
    ["dc1-west-ubuntu", "contents"],
    ["dc1", "a b"],
    ["dc1", "a_b"],
    ["dc1", "a_20_b"],
    ["dc1", "a/b"],
  ] as const;
  const names = pairs.map(([stack, name]) => nameOnHosts(name, stack));
  expect(new Set(names).size).toBe(pairs.length);
  expect(names.filter((name) => !/^[\w.-]+$/.test(name))).toEqual([]);
  expect(names.slice(0, 3)).toEqual(["dc1-ubuntu", "dc1-west-ubuntu", "dc1--west-ubuntu"]);
});

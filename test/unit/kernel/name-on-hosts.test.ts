import { expect, test } from "@jest/globals";
import { nameOnHosts, ownerText } from "../../../resources/kernel/name-on-hosts.ts";

test("resources of different stacks or projects never have the same name on a host", () => {
  const owners = [
    ["dc1", "ubuntu", "site"],
    ["dc1", "ubuntu", "other-site"],
    ["dc1", "west-ubuntu", "site"],
    ["dc1-west", "ubuntu", "site"],
    ["dc1_of_site", "ubuntu", "site"],
    ["dc1", "ubuntu_of_dc1", "site"],
    ["dc1", "a b", "site"],
    ["dc1", "a_b", "site"],
    ["dc1", "a_20_b", "site"],
    ["dc1", "a/b", "site"],
    ["_of_", "_of_", "_of_"],
    ["_of__of_", "_of_", ""],
  ] as const;
  const names = owners.map(([stack, name, project]) => nameOnHosts(name, stack, project));
  expect(new Set(names).size).toBe(owners.length);
  expect(names.filter((name) => !/^[\w.-]+$/.test(name))).toEqual([]);
  expect(names[3]).toBe("ubuntu_of_dc1-west_of_site");
  expect(names.filter((name) => !name.includes("_of_"))).toEqual([]);
});

test("an owner is shown with the names of its declaration", () => {
  const id = `files-${nameOnHosts("a_of_b configuration", "dc 1", "site")}`;
  expect(ownerText(id)).toBe("a_of_b configuration of the stack dc 1 (project site)");
  expect(ownerText("files-dc1--west-ubuntu-configuration")).toBe("files-dc1--west-ubuntu-configuration");
  expect(ownerText("files-dc_deadbeef_1-ubuntu")).toBe("files-dc_deadbeef_1-ubuntu");
});

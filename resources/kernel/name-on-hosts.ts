import * as pulumi from "@pulumi/pulumi";

/**
 * What hosts call a resource in ledgers, locks, units and as the owner of a directory: `NAME_of_STACK_of_PROJECT`, of
 * which no two resources of any stacks and projects have the same. What is neither letter, digit, dot nor hyphen is
 * written in hexadecimal between underscores. An existing resource keeps the name that it got when it was declared first,
 * which was `STACK-NAME` in earlier releases: such a name has no `_of_`.
 */
export function nameOnHosts(name: string, stack = pulumi.getStack(), project = pulumi.getProject()): string {
  return [name, stack, project].map(plain).join("_of_");
}

function plain(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.-]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`);
}

/** A resource in a sentence, by what a ledger calls it: `ubuntu-configuration of the stack dc1 (project site)`. */
export function ownerText(id = ""): string {
  const [named = "", stack, project] = id.split(/(?<=^(?:[^_]|_[0-9a-f]+_)*)_of_/).map(readable);
  if (stack === undefined || project === undefined) return id;
  return `${named.replace(/^[a-z]+-/, "")} of the stack ${stack} (project ${project})`;
}

function readable(text: string): string {
  return text.replaceAll(/_([0-9a-f]+)_/g, (_, code: string) =>
    String.fromCodePoint(Number.parseInt(code, 16)),
  );
}

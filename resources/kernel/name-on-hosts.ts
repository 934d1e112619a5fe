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

/** What earlier releases called it: two projects could mean the same. */
export function formerNameOnHosts(name: string, stack = pulumi.getStack()): string {
  return `${stack}-${name}`;
}

function plain(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.-]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`);
}

/** A resource in a sentence, by what a ledger calls it: `ubuntu-configuration of the stack dc1 (project site)`. */
export function ownerText(id = ""): string {
  const parts = [""];
  // From left to right, for an underscore may end one of these or begin another.
  for (const [piece, code] of id.matchAll(/_of_|_([0-9a-f]+)_|./gs)) {
    if (piece === "_of_") parts.push("");
    else parts.push((parts.pop() ?? "") + (code ? characterOf(code, piece) : piece));
  }
  const [name = "", stack, project] = parts;
  if (stack === undefined || project === undefined) return id;
  return `${name.replace(/^[a-z]+-/, "")} of the stack ${stack} (project ${project})`;
}

/** Names of earlier releases were written otherwise, and may have what looks like a code and is none. */
function characterOf(code: string, piece: string): string {
  const point = Number.parseInt(code, 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : piece;
}

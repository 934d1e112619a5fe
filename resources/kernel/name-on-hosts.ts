import * as pulumi from "@pulumi/pulumi";

/**
 * The name of a resource in ledgers, locks, units and as the owner of a directory on hosts:
 * `NAME_of_STACK_of_PROJECT`, which is unique across all stacks and projects. Characters other than letters, digits,
 * dots and hyphens are written in hexadecimal between underscores. An existing resource keeps the name of its first
 * declaration.
 */
export function nameOnHosts(name: string, stack = pulumi.getStack(), project = pulumi.getProject()): string {
  return [name, stack, project].map(plain).join("_of_");
}

function plain(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.-]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`);
}

/** A resource for messages, by its name in a ledger: `ubuntu-configuration of the stack dc1 (project site)`. */
export function ownerText(id = ""): string {
  const parts = [""];
  // From left to right, because an underscore may end one code or begin another.
  for (const [piece, code] of id.matchAll(/_of_|_([0-9a-f]+)_|./gs)) {
    if (piece === "_of_") parts.push("");
    else parts.push((parts.pop() ?? "") + (code ? characterOf(code, piece) : piece));
  }
  const [name = "", stack, project] = parts;
  if (stack === undefined || project === undefined) return id;
  return `${name.replace(/^[a-z]+-/, "")} of the stack ${stack} (project ${project})`;
}

/** A ledger that was edited by hand can have text that only looks like a code. */
function characterOf(code: string, piece: string): string {
  const point = Number.parseInt(code, 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : piece;
}

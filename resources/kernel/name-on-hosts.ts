import * as pulumi from "@pulumi/pulumi";

/**
 * What hosts call a resource in ledgers, locks, units and as the owner of a directory: `STACK-NAME`, of which no two
 * stacks have the same. So hyphens of the stack's name are doubled, and what is neither letter, digit, dot nor hyphen is
 * written in hexadecimal between underscores.
 */
export function nameOnHosts(name: string, stack = pulumi.getStack()): string {
  return `${stack.replaceAll("-", "--")}-${name}`.replaceAll(
    /[^A-Za-z0-9.-]/gu,
    (character) => `_${character.codePointAt(0)?.toString(16)}_`,
  );
}

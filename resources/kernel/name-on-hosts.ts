import * as pulumi from "@pulumi/pulumi";

/**
 * What a host calls something of this stack: `STACK-NAME`, in paths, units and ledgers. Hyphens of the stack's name are
 * doubled, so that `west-ubuntu` of `dc1` and `ubuntu` of `dc1-west` are two; what no path should have is written in
 * hexadecimal.
 */
export function nameOnHosts(name: string, stack = pulumi.getStack()): string {
  return `${stack.replaceAll("-", "--")}-${name}`.replaceAll(
    /[^A-Za-z0-9_.-]/gu,
    (character) => `_${character.codePointAt(0)?.toString(16)}`,
  );
}

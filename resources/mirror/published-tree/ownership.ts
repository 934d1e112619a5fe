import { ExplainedError } from "../../../errors/explained-error.ts";
import { sh } from "../../../hosts/shell.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { ownerText } from "../../kernel/name-on-hosts.ts";

/**
 * Whether a mirror may be made in a directory: the update refuses another's as well, but an update that has nothing to
 * publish would not come to that.
 *
 * @throws ExplainedError that names whose it is
 */
export async function requireOwnDirectory(
  context: ResourceContext,
  { directory }: { readonly directory: string },
  previous: { readonly directory: string } | undefined,
): Promise<void> {
  if (previous?.directory === directory) return;
  const owner = await context.host.facts({
    script: sh`cat ${`${directory}/.owner`} 2>/dev/null || true`,
    parse: (output) => output.trim(),
  });
  if (owner === "" || owner === context.id) return;
  throw new ExplainedError({
    step: `looking at ${directory}`,
    found: `it belongs to ${ownerText(owner)}, and this is ${ownerText(context.id)}`,
    remedy: `Give this mirror another name, nameOnHost or directory. If it is this very mirror under its former name, give it that as nameOnHost, and an alias. If its state was lost, write ${context.id} into ${directory}/.owner on the host: it then goes on with what is there.`,
  });
}

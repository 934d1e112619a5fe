import { ExplainedError } from "../../../errors/explained-error.ts";
import { sh } from "../../../hosts/shell.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { ownerText } from "../../kernel/name-on-hosts.ts";

/**
 * Checks whether a mirror may use a directory. The update also refuses another mirror's directory, but an update
 * without changes would not reach that check.
 *
 * @throws ExplainedError that names the owner.
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
    step: `checking ${directory}`,
    found: `it belongs to ${ownerText(owner)}, but this is ${ownerText(context.id)}`,
    remedy: `Give this mirror another name, nameOnHost or directory. If it is the same mirror under its old name, set nameOnHost to the old name, and add an alias. If its state was lost, write ${context.id} into ${directory}/.owner on the host: the mirror then adopts the existing files.`,
  });
}

import * as pulumi from "@pulumi/pulumi";
import { ExplainedError, printable } from "../../errors/explained-error.ts";
import { explainedOnce } from "../../errors/repeated-failure.ts";
import { SshConfigurationError } from "../../hosts/unreachable.ts";
import { type CheckedArguments, withPlainMessage } from "./checked-arguments.ts";

/* The lookups of a component on its host and upstream, while the program runs. */

/** The result of a lookup. */
export interface Found {
  /** What an update changes, in lines. */
  readonly changes: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The result of a component's lookup, which starts as soon as the arguments are known. If a preview does not know them, a
 * line beside the component lists them.
 *
 * @param path the component in the stack's configuration, such as `aptMirrors.ubuntu`.
 * @param withSecrets arguments whose secrets the lookup uses. Its result is not secret because of them.
 */
export function planned<Settings extends object, Result extends Found>(
  component: pulumi.ComponentResource,
  path: string,
  args: CheckedArguments<Settings>,
  withSecrets: readonly (keyof Settings & string)[],
  plan: (settings: Settings) => Promise<Result>,
): pulumi.Output<Result> {
  if (pulumi.runtime.isDryRun()) {
    void args.notYetKnown(...withSecrets).then((unknown) => {
      if (unknown.length === 0) return;
      const line = `${path}: the plan is shown once this is known: ${unknown.join(", ")}`;
      void pulumi.log.info(printable(line), component);
    });
  }
  return args
    .inClear(...withSecrets)
    .apply((settings) => lookedUp(component, path, plan(settings))) as unknown as pulumi.Output<Result>;
}

/**
 * The result of a lookup. Its changes and warnings are shown at the component. Its errors name the arguments that cause
 * them, below `path` in the stack's configuration.
 */
export async function lookedUp<Result extends Found>(
  component: pulumi.ComponentResource,
  path: string,
  lookup: Promise<Result>,
): Promise<Result> {
  try {
    const found = await lookup;
    for (const line of found.changes) void pulumi.log.info(printable(line), component);
    for (const line of found.warnings) void pulumi.log.warn(printable(line), component);
    return found;
  } catch (caught) {
    const error = caught instanceof SshConfigurationError ? explainedOnce(caught, path) : caught;
    const message = error instanceof Error ? error.message : String(error);
    const values = error instanceof ExplainedError ? (error.explanation.values ?? []) : [];
    const paths = values.map((value) => `${path}.${value}`).join(" or ");
    throw withPlainMessage(
      new pulumi.ResourceError(paths ? `${paths}: ${message}` : message, component, true),
    );
  }
}

import { ExplainedError } from "../../../errors/explained-error.ts";
import { PartlyApplied, type ResourceContext } from "../../kernel/definition.ts";
import { type ClaimsReport, claimsReport, lookReport } from "./claims-report.ts";
import type { DeclaredPath } from "./declared-path.ts";
import { type PathClaims, pathClaims, type ServiceChecks } from "./path-claims.ts";
import { ledgerPlace } from "./place.ts";

/**
 * Changes paths to what a resource declares and releases those that it no longer declares, in one round trip.
 *
 * @param checks Services that must accept the change. If one refuses it, everything is restored.
 * @throws PartlyApplied if it failed and something stays changed, ExplainedError if nothing does.
 */
export async function changePaths(
  context: ResourceContext,
  declared: readonly DeclaredPath[],
  differs: (path: DeclaredPath) => boolean,
  step: string,
  checks: ServiceChecks = {},
): Promise<void> {
  const claims = pathClaims(context.id, declared, differs, ledgerPlace, checks);
  const { began, error } = await run(context, claims, declared, step).catch((lost: Error) => ({
    began: true,
    error: lost,
  }));
  if (error) throw began ? new PartlyApplied(error, {}) : error;
}

/**
 * Restores everything that a resource claimed.
 *
 * @param checks Services that must accept the remaining files, unless they refused their configuration before.
 */
export async function releasePaths(
  context: ResourceContext,
  step: string,
  checks: ServiceChecks = {},
): Promise<void> {
  const release = (tried: ServiceChecks) =>
    run(
      context,
      pathClaims(context.id, [], () => false, ledgerPlace, tried),
      [],
      step,
    );
  let { error, alreadyBad } = await release(checks);
  if (error && alreadyBad) {
    context.warn(error.message);
    ({ error } = await release({}));
  }
  if (error) throw error;
}

/**
 * Checks whether paths can be changed to what a resource declares, without changes.
 *
 * @param isWhole Whether all values are known: only then services check the change.
 * @throws ExplainedError that names who declares another value, or who listens on the service's port.
 */
export async function checkClaims(
  context: ResourceContext,
  declared: readonly DeclaredPath[],
  checks: ServiceChecks,
  isWhole: boolean,
): Promise<void> {
  const claims = pathClaims(context.id, declared, () => true, ledgerPlace, checks);
  const step = "checking for other declarations of this";
  const script = [claims.prologue, claims.checkScript, ...(isWhole ? [claims.trial] : []), ""].join("\n");
  const result = await context.host.run(script, { allowFailure: true, step, secrets: secretsOf(declared) });
  const refused = lookReport(claims, result);
  if (refused) throw refused;
  if (result.code === 0) return;
  throw new ExplainedError({
    step,
    found: result.stderr.trim().split("\n").at(-1) || "it failed without output",
    remedy: "Fix what the message reports, then run the preview again.",
  });
}

async function run(
  context: ResourceContext,
  claims: PathClaims,
  declared: readonly DeclaredPath[],
  step: string,
): Promise<ClaimsReport> {
  const script = `${claims.prologue}\n${claims.body}`;
  const result = await context.host.run(script, { allowFailure: true, step, secrets: secretsOf(declared) });
  const report = claimsReport(claims, result);
  for (const warning of report.warnings) context.warn(warning);
  return report;
}

function secretsOf(declared: readonly DeclaredPath[]): string[] {
  return declared.flatMap((item) => (item.type === "file" && item.secret ? [item.content] : []));
}

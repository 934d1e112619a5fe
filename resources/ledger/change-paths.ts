import { PartlyApplied, type Scene } from "../kernel/definition.ts";
import type { DeclaredPath } from "./declared-path.ts";
import { claimsReport, type PathClaims, pathClaims } from "./path-claims.ts";

/**
 * Makes paths what a resource declares and lets go of those it no longer does, in one round trip.
 *
 * @throws PartlyApplied when it failed after the first change, ExplainedError when before.
 */
export async function changePaths(
  scene: Scene,
  declared: readonly DeclaredPath[],
  differs: (path: DeclaredPath) => boolean,
  step: string,
): Promise<void> {
  const claims = pathClaims(scene.id, declared, differs);
  const { began, error } = await run(scene, claims, declared, step).catch((lost: Error) => ({
    began: true,
    error: lost,
  }));
  if (error) throw began ? new PartlyApplied(error, {}) : error;
}

/** Puts everything a resource claimed back as it was found. */
export async function releasePaths(scene: Scene, step: string): Promise<void> {
  const { error } = await run(
    scene,
    pathClaims(scene.id, [], () => false),
    [],
    step,
  );
  if (error) throw error;
}

async function run(scene: Scene, claims: PathClaims, declared: readonly DeclaredPath[], step: string) {
  const secrets = declared.flatMap((item) => (item.type === "file" && item.secret ? [item.content] : []));
  const script = `${claims.prologue}\n${claims.body}`;
  const result = await scene.host.run(script, { allowFailure: true, step, secrets });
  const report = claimsReport(claims, result);
  for (const warning of report.warnings) scene.warn(warning);
  return report;
}

import type { Archive, ArchiveRoot } from "../../../content/apt/archive.ts";
import type { MirrorSignedPlan } from "../../../content/apt/mirror-signed-plan.ts";
import type { Plan } from "../../../content/apt/plan.ts";
import { count, firstFive } from "../published-tree/wording.ts";
import type { AptPlanRequest } from "./plan-request.ts";

/** Warnings for accepted and for unused exceptions: the preview must show every check that is left out. */
export function acceptedWarnings(
  { signing, upstream: { accept = {} } }: AptPlanRequest,
  releases: readonly ArchiveRoot[],
  now: Date,
): string[] {
  const accepted = releases.flatMap((release) => release.accepted);
  const unused = Object.entries(accept).filter(
    ([, reason]) => reason && !accepted.some((line) => line.endsWith(`(${reason})`)),
  );
  const expired = releases.filter(({ release }) => release.validUntil && release.validUntil < now);
  return [
    ...accepted,
    ...(signing === "upstream" && expired.length > 0
      ? [
          `clients also refuse an expired Release, unless their entry contains Check-Valid-Until: no (${expired.map(({ name }) => name).join(", ")})`,
        ]
      : []),
    ...unused.map(([kind, reason]) => `upstream.accept.${kind} (${reason}) is not needed now`),
  ];
}

/** Warnings about a plan. */
export function warningsOf(
  archive: Archive,
  request: AptPlanRequest,
  plan: Plan & Partial<MirrorSignedPlan>,
): string[] {
  const warnings: string[] = [];
  const unlisted = archive.suites.flatMap((suite) => suite.unlisted);
  if (unlisted.length > 0) {
    warnings.push(
      `upstream lists no ${firstFive(unlisted)}: the component has no packages for that architecture`,
    );
  }
  const upstreamSigned = request.signing === "upstream";
  if (upstreamSigned) {
    const withoutByHash = archive.suites.filter(({ release }) => !release.byHash).map(({ name }) => name);
    if (withoutByHash.length > 0) {
      warnings.push(
        `upstream has no indices by hash in ${withoutByHash.join(", ")}: clients that update during a publication may get an old index with a new root, and must try again`,
      );
    }
    const incompleteByHash = archive.suites.filter(({ lacksByHash }) => lacksByHash).map(({ name }) => name);
    if (incompleteByHash.length > 0) {
      warnings.push(
        `upstream announces indices by hash in ${incompleteByHash.join(", ")} but does not have all of them: these are fetched by their names, and the update must be repeated if upstream publishes meanwhile; clients of this mirror get them by hash`,
      );
    }
    const absent = archive.suites.flatMap((suite) => suite.lacking);
    if (absent.length > 0) {
      warnings.push(
        `upstream's signed index lists ${count(absent.length, "file")} that upstream does not have: clients that request ${absent.length === 1 ? "it" : "them"} get an error (${firstFive(absent)})`,
      );
    }
    const offered = new Set(archive.suites.flatMap(({ release }) => release.components));
    const lacking = [...offered].filter((component) => !request.components.includes(component));
    if (lacking.length > 0) {
      warnings.push(
        `upstream's signed index also offers ${lacking.join(", ")}, which this mirror does not have: clients must not request it (Components: ${request.components.join(" ")})`,
      );
    }
  }
  if (upstreamSigned || request.extras.phasedUpdates === "as-upstream") {
    const frozen = new Set(
      archive.suites.flatMap(({ indices }) =>
        indices.flatMap(({ packages }) =>
          packages.filter(({ phase }) => phase !== undefined && phase < 100).map(({ name }) => name),
        ),
      ),
    );
    if (frozen.size > 0) {
      warnings.push(
        `${count(frozen.size, "package")} at a phase below 100 %: until the next update of the mirror, only some machines install ${frozen.size === 1 ? "it" : "them"} (${firstFive([...frozen])})`,
      );
    }
  }
  if (plan.outranked?.length) {
    warnings.push(
      `clients install upstream's instead of ${count(plan.outranked.length, "local package")}: ${firstFive(plan.outranked)}`,
    );
  }
  if (plan.missing?.length) {
    warnings.push(
      `${count(plan.missing.length, "dependency", "dependencies")} that nothing in these suites satisfies: ${firstFive(plan.missing.map(({ of, needs }) => `${needs} (of ${of})`))}`,
    );
  }
  return warnings;
}

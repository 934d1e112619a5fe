import { ExplainedError } from "../../errors/explained-error.ts";
import type { Archive } from "./archive.ts";
import { indexKey } from "./index-key.ts";
import type { MirrorSignedPlan } from "./mirror-signed-plan.ts";

/**
 * Refuses packages that reprepro cannot put into an index, because their architecture differs from that of the index.
 * Packages of amd64v3, for example, have the architecture amd64.
 *
 * @throws ExplainedError that names one of them.
 */
export function refuseForeignPackages(archive: Archive, { selection }: MirrorSignedPlan): void {
  for (const { name: suite, indices } of archive.suites) {
    for (const { kind, component, architecture, path, packages } of indices) {
      if (kind !== "packages") continue;
      const names = new Set(selection[indexKey({ suite, component, architecture })]);
      const foreign = packages.find(
        (found) => names.has(found.name) && ![architecture, "all"].includes(found.architecture),
      );
      if (!foreign) continue;
      throw new ExplainedError({
        step: "planning a mirror with its own signature",
        found: `${path} lists ${foreign.name} ${foreign.version} for ${foreign.architecture}: reprepro puts only packages for ${architecture} into an index of ${architecture}`,
        remedy: `Set signing: upstream, which publishes the index unchanged, remove ${architecture} from architectures, or list the package in filter.exclude.`,
        values: ["signing", "architectures"],
      });
    }
  }
}

import { ExplainedError } from "../../errors/explained-error.ts";
import type { Archive } from "./archive.ts";
import { indexKey } from "./index-key.ts";
import type { MirrorSignedPlan } from "./mirror-signed-plan.ts";

/**
 * Refuses what reprepro cannot put into an index: packages of another architecture than the index has by its name, as those
 * of amd64v3 are, which call themselves amd64.
 *
 * @throws ExplainedError that names one of them
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
        step: "planning a mirror that signs anew",
        found: `${path} lists ${foreign.name} ${foreign.version}, which says that it is for ${foreign.architecture}: reprepro keeps an index of ${architecture} to packages for ${architecture}`,
        remedy: `Set signing: upstream, which passes the index on unchanged, take ${architecture} out of architectures, or name the package in filter.exclude.`,
        values: ["signing", "architectures"],
      });
    }
  }
}

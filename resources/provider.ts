import { ExplainedError } from "../errors/explained-error.ts";
import { files } from "./host/files.ts";
import { packages } from "./host/packages.ts";
import { services } from "./host/services.ts";
import { signingKey } from "./host/signing-key.ts";
import { sysctl } from "./host/sysctl.ts";
import type { AnyDefinition } from "./kernel/definition.ts";
import { DefinitionProvider } from "./kernel/provider.ts";
import { maasArchive } from "./maas/archive.ts";
import { maasBootSources } from "./maas/boot-sources.ts";
import { maasImage } from "./maas/image.ts";
import { maasSettings } from "./maas/settings.ts";
import { aptTree } from "./mirror/apt/tree.ts";
import { customImageTree } from "./mirror/custom-image/tree.ts";
import { imageTree } from "./mirror/images/tree.ts";

/**
 * Every kind of resource, by the name in the state. The text stored with each resource (see kernel/resource.ts) loads
 * this file by its path and requests one of these names: neither may change.
 */
export const definitions: readonly AnyDefinition[] = [
  aptTree,
  files,
  imageTree,
  maasArchive,
  maasBootSources,
  maasSettings,
  maasImage,
  customImageTree,
  packages,
  services,
  signingKey,
  sysctl,
];

/** Called by Pulumi's dynamic provider process. */
export function handler(kind: string): DefinitionProvider {
  const definition = definitions.find((candidate) => candidate.kind === kind);
  if (!definition) {
    throw new ExplainedError({
      step: "loading the code of a resource",
      found: `this release has no resource of the kind ${JSON.stringify(kind)}`,
      remedy: "Use the release that last updated this stack, or a newer one.",
    });
  }
  return new DefinitionProvider(definition);
}

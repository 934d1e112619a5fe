import * as pulumi from "@pulumi/pulumi";
import type { Site } from "./site.ts";

/** The program's outputs of the last update, by mirror or image; see index.ts. */
interface LastOutputs {
  readonly mirrors?: Readonly<Record<string, { readonly url?: string }>>;
  readonly images?: Readonly<Record<string, { readonly url?: string }>>;
  readonly customImages?: Readonly<Record<string, { readonly distroSeries?: string }>>;
}

/**
 * Warns what clients lose when the stack file no longer declares a mirror or an image of the last update. Pulumi's
 * preview shows the resources that will be deleted, but calls no provider for them.
 */
export async function warnOfUndeclared(site: Pick<Site, "aptMirrors" | "imageMirrors" | "customImages">) {
  const last = await lastOutputs();
  for (const line of losses(last, site)) void pulumi.log.warn(line);
}

/** Declared mirrors or images, by name. */
type Declared = Readonly<Record<string, object & { readonly nameOnHost?: string | undefined }>>;

/** One line for each mirror or image that is declared neither under its name nor under a new one. */
export function losses(
  last: LastOutputs,
  site: { readonly aptMirrors: Declared; readonly imageMirrors: Declared; readonly customImages: Declared },
): string[] {
  const gone = <Entry>(entries: Readonly<Record<string, Entry>> | undefined, declared: Declared) => {
    const renamed = new Set(Object.values(declared).map(({ nameOnHost }) => nameOnHost));
    return Object.entries(entries ?? {}).filter(
      ([name]) => !(Object.hasOwn(declared, name) || renamed.has(name)),
    );
  };
  const at = ({ url }: { readonly url?: string }) => (url ? ` (${url})` : "");
  return [
    ...gone(last.mirrors, site.aptMirrors).map(
      ([name, mirror]) =>
        `aptMirrors.${name}${at(mirror)} is no longer declared: clients that get packages there will fail, unless another mirror takes its place`,
    ),
    ...gone(last.images, site.imageMirrors).map(
      ([name, mirror]) =>
        `imageMirrors.${name}${at(mirror)} is no longer declared: a MAAS that imports from there will fail, unless another mirror takes its place`,
    ),
    ...gone(last.customImages, site.customImages).map(
      ([name, { distroSeries }]) =>
        `customImages.${name} is no longer declared: machines can no longer be deployed with ${distroSeries || "it"} when MAAS has deleted it`,
    ),
  ];
}

/** The outputs of this stack. Empty before the first update, and if the backend does not return them. */
async function lastOutputs(): Promise<LastOutputs> {
  const name = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  try {
    const { outputs } = await pulumi.runtime.invoke(
      "pulumi:pulumi:readStackOutputs",
      { name },
      { async: true },
    );
    return outputs ?? {};
  } catch {
    return {};
  }
}

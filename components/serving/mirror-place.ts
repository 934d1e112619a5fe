import * as pulumi from "@pulumi/pulumi";
import { mirrorsDirectory } from "../../resources/mirror/published-tree/mirrors-directory.ts";

/** The place of a mirror on its host. */
export interface MirrorPlace {
  readonly directory: string;
  /** The directory of the store, which can be shared with other mirrors. */
  readonly store: string;
}

export type MirrorKind = "apt" | "images" | "custom-images";

/**
 * A mirror's name in paths on its host: `nameOnHost`, or the name of the component, which Pulumi does not restrict.
 *
 * @throws pulumi.RunError if it cannot be part of a path
 */
export function checkedNameOnHost(name: string, nameOnHost: string | undefined): string {
  const chosen = nameOnHost ?? name;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(chosen)) {
    throw new pulumi.RunError(
      `${JSON.stringify(chosen)} cannot be part of a path on a host: give it a nameOnHost of small letters, digits and hyphens`,
    );
  }
  return chosen;
}

/**
 * Mirrors in the default place share one store, so that files that several of them have are stored once. A store must be
 * on the file system of its mirror, so a mirror with another directory has a separate store.
 */
export function placeOf(kind: MirrorKind, nameOnHost: string, directory: string | undefined): MirrorPlace {
  return directory
    ? { directory, store: `${directory}/store` }
    : {
        directory: `${mirrorsDirectory}/${pulumi.getStack()}/${kind}/${nameOnHost}`,
        store: `${mirrorsDirectory}/store`,
      };
}

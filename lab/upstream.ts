import { ExplainedError } from "../errors/explained-error.ts";
import { type Tampering, tamperings, tamperWith } from "./archive/tamper.ts";
import {
  publishPristine,
  type Release,
  releaseVersion,
  serveNewest,
  type UbuntuSuite,
  versionsIn,
  withdrawPackage,
} from "./archive/ubuntu.ts";
import { type FaultKind, faultKinds, faultsOn } from "./faults.ts";
import type { Lab } from "./lab.ts";
import { imagesOf, type UpstreamImages } from "./upstream-images.ts";

interface TamperOptions {
  /** Default: noble-updates. */
  readonly suite?: UbuntuSuite | undefined;
  /** For server faults: a regular expression of the paths. Default: the .deb files. */
  readonly path?: string | undefined;
  /** For `missing-deb` and `flipped-deb`: the package. Default: the first of the suite. */
  readonly package?: string | undefined;
}

/** Operations on a lab's upstream. Each is effective from the next request. */
export interface Upstream {
  release(release: Release): Promise<void>;
  withdraw(packageName: string, suite?: UbuntuSuite): Promise<void>;
  /**
   * Damages the archive or applies a fault to its server; see `tamperings` and `faultKinds`. Returns the path
   * or fault.
   */
  tamper(kind: Tampering | FaultKind | (string & {}), options?: TamperOptions): Promise<string>;
  /** Serves the newest good publications of the archive and of the images, without server faults. */
  restore(): Promise<void>;
  /** Publishes the first content of the archive and of the images again, without server faults. */
  reset(): Promise<void>;
  versions(suite: UbuntuSuite, architecture?: string): Record<string, string>;
  readonly images: UpstreamImages;
}

/** The upstream of a lab. */
export function upstreamOf(lab: Lab): Upstream {
  const { paths } = lab;
  const images = imagesOf(lab);
  return {
    release: (release) => releaseVersion(paths, release),
    withdraw: (name, suite) => withdrawPackage(paths, name, suite),
    async tamper(kind, options = {}) {
      const tampering = tamperings.find((each) => each === kind);
      if (tampering !== undefined) {
        return await tamperWith(paths.archive, tampering, options.suite ?? "noble-updates", options.package);
      }
      const fault = faultKinds.find((each) => each === kind);
      if (fault !== undefined) {
        const path = options.path ?? "\\.deb$";
        await faultsOn(lab, fault, path);
        return path;
      }
      throw new ExplainedError({
        step: "tampering with the lab's archive",
        found: kind === "" ? "no kind given" : `no kind is called ${kind}`,
        remedy: `Use one of: ${[...tamperings, ...faultKinds].join(" ")}.`,
      });
    },
    async restore() {
      serveNewest(paths.archive);
      await images.restore();
    },
    async reset() {
      await images.reset();
      await publishPristine(paths);
    },
    versions: (suite, architecture) => versionsIn(paths, suite, architecture),
    images,
  };
}

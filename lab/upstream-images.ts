import { ExplainedError } from "../errors/explained-error.ts";
import { type FaultKind, faultKinds, faultsOff, faultsOn } from "./faults.ts";
import { type ImageChoice, isChosen } from "./images/choice.ts";
import {
  newestImages,
  publishFirstImages,
  publishSerial,
  serveNewestImages,
  withdrawSerial,
} from "./images/source.ts";
import {
  type ImageTampering,
  type ImageTamperTarget,
  imageTamperings,
  tamperWithImages,
} from "./images/tamper.ts";
import type { Lab } from "./lab.ts";

interface SerialChoice extends ImageChoice {
  /** Default: when publishing, one of the day after the latest ever used; when withdrawing, the newest. */
  readonly serial?: string | undefined;
}

interface ImageTamperOptions extends ImageTamperTarget {
  /** For server faults: which paths, as a regular expression. Default: all files but those in `streams/`. */
  readonly path?: string | undefined;
}

/**
 * What can be done to images.maas.io of a lab, http://images.maas.io/ephemeral-v3/stable/. Each takes effect
 * with the next request.
 */
export interface UpstreamImages {
  /** Publishes a new serial, by default of all products. Returns the day that it is named after, `20260211`. */
  publishSerial(choice?: SerialChoice): Promise<string>;
  /** Withdraws a serial with its files, by default the newest of all products. */
  withdrawSerial(choice?: SerialChoice): Promise<void>;
  /**
   * Makes the stream or its server bad in one way; see `imageTamperings` and `faultKinds`. Returns what was hit.
   * A file is by default the squashfs of the newest noble for amd64. A server fault takes the place of one of
   * the archive's.
   */
  tamper(kind: ImageTampering | FaultKind | (string & {}), options?: ImageTamperOptions): Promise<string>;
  /** The newest publication as it should be, from a well server. */
  restore(): Promise<void>;
  /** The stream as first published, published anew, from a well server. */
  reset(): Promise<void>;
  /** The serials of each product that is meant, by its name, oldest first. */
  serials(choice?: ImageChoice): Record<string, readonly string[]>;
}

/** The images of a lab's outside. */
export function imagesOf(lab: Lab): UpstreamImages {
  const { paths } = lab;
  return {
    publishSerial: ({ serial, ...choice } = {}) => publishSerial(paths, choice, serial),
    withdrawSerial: ({ serial, ...choice } = {}) => withdrawSerial(paths, choice, serial),
    async tamper(kind, { path = "^/ephemeral-v3/stable/(?!streams/)", ...target } = {}) {
      const tampering = imageTamperings.find((each) => each === kind);
      if (tampering !== undefined) return await tamperWithImages(paths.images, tampering, target);
      const fault = faultKinds.find((each) => each === kind);
      if (fault !== undefined) {
        await faultsOn(lab, fault, path);
        return path;
      }
      throw new ExplainedError({
        step: "tampering with the lab's images",
        found: kind === "" ? "no kind given" : `no kind is called ${kind}`,
        remedy: `Use one of: ${[...imageTamperings, ...faultKinds].join(" ")}.`,
      });
    },
    async restore() {
      serveNewestImages(paths.images);
      await faultsOff(lab);
    },
    async reset() {
      await faultsOff(lab);
      await publishFirstImages(paths);
    },
    serials: (choice = {}) =>
      Object.fromEntries(
        newestImages(paths.images)
          .products.filter((product) => isChosen(product, choice))
          .map(({ name, serials }) => [name, serials]),
      ),
  };
}

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
  /**
   * Default for publishing: the day after the latest serial ever used. Default for withdrawing: the newest
   * serial.
   */
  readonly serial?: string | undefined;
}

interface ImageTamperOptions extends ImageTamperTarget {
  /** For server faults: a regular expression of the paths. Default: all files except those in `streams/`. */
  readonly path?: string | undefined;
}

/**
 * Operations on images.maas.io of a lab, http://images.maas.io/ephemeral-v3/stable/. Each is effective from the next
 * request.
 */
export interface UpstreamImages {
  /** Publishes a new serial, by default of all products. Returns its day, such as `20260211`. */
  publishSerial(choice?: SerialChoice): Promise<string>;
  /** Withdraws a serial with its files, by default the newest of all products. */
  withdrawSerial(choice?: SerialChoice): Promise<void>;
  /**
   * Damages the stream or applies a fault to its server; see `imageTamperings` and `faultKinds`. Returns the path or
   * the fault. The damaged file is by default the squashfs of the newest noble for amd64. A server fault replaces a
   * fault of the archive's server.
   */
  tamper(kind: ImageTampering | FaultKind | (string & {}), options?: ImageTamperOptions): Promise<string>;
  /** Serves the newest good publication, without server faults. */
  restore(): Promise<void>;
  /** Publishes the stream's first content again, without server faults. */
  reset(): Promise<void>;
  /** The serials of each selected product, by its name, oldest first. */
  serials(choice?: ImageChoice): Record<string, readonly string[]>;
}

/** The image stream of a lab's upstream. */
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

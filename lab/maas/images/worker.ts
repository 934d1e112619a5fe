import { setTimeout as delay } from "node:timers/promises";
import type { ImageWork, Maas } from "../maas.ts";
import { importImages } from "./import.ts";
import { refreshCache } from "./source-cache.ts";

/**
 * Milliseconds between a change of a source and its fetch, as observed. Tests must be able to see the state
 * between.
 */
const refreshDelay = 250;

/** The work on images that a region does without a request. Failures are logged; no user is notified. */
export class ImageWorker implements ImageWork {
  readonly #maas: Maas;
  #running: AbortController | undefined;
  #downloading = false;

  constructor(maas: Maas) {
    this.#maas = maas;
  }

  refreshSources(): void {
    delay(refreshDelay)
      .then(() => refreshCache(this.#maas))
      .then(() => log("Updated boot sources cache."))
      .catch((error) => log(`Unable to update boot sources cache: ${error.message}`));
  }

  startImport(): void {
    setImmediate(() => this.#import());
  }

  stopImport(): void {
    this.#running?.abort();
  }

  isImporting(): boolean {
    return this.#running !== undefined && (this.#downloading || !this.#maas.version.namedSources);
  }

  /** Imports now, and then in this interval of milliseconds, unless `boot_images_auto_import` is off. */
  startTimer(interval: number): void {
    const run = () => {
      if (this.#maas.store.state.config.boot_images_auto_import !== false) this.startImport();
    };
    run();
    setInterval(run, interval);
  }

  async #import(): Promise<void> {
    if (this.#running !== undefined) {
      log("Skipping import as another import is already running.");
      return;
    }
    const running = new AbortController();
    this.#running = running;
    let end: string;
    try {
      const downloading = () => {
        this.#downloading = true;
      };
      end = await importImages(this.#maas, { signal: running.signal, downloading });
    } catch (error) {
      end = running.signal.aborted
        ? "Importing of boot images was cancelled."
        : `Importing boot resources failed. ${(error as Error).message}`;
    }
    this.#running = undefined;
    this.#downloading = false;
    this.#maas.store.save();
    log(end);
  }
}

function log(message: string): void {
  process.stderr.write(`${message}\n`);
}

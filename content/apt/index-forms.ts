import { ExplainedError } from "../../errors/explained-error.ts";
import { compressionOf, unpacked } from "../decompress.ts";
import { NotThere } from "../fetch.ts";
import type { ArchiveRequest } from "./archive-request.ts";
import { check, signedPieces } from "./as-signed.ts";
import type { IndexBudget } from "./index-budget.ts";
import { availableNames, firstAvailable } from "./presence.ts";
import type { Release, ReleaseEntry } from "./release.ts";
import { inSuite } from "./suite-place.ts";

/**
 * Which form is read; one that is not there is no failure as long as another is. gzip before xz: a third
 * more bytes, but Node unpacks it itself, in a third of the time and with 100 MiB less memory (Debian main).
 */
const preference = ["gz", "zst", "xz", "none", "bz2"];

interface ReadFrom {
  readonly suite: string;
  /** Of the unpacked index, in the suite. */
  readonly path: string;
  readonly architecture: string;
  readonly present: ReadonlySet<string>;
}

/** Some servers have the indices of some architectures only, under a Release that lists those of all. */
function lacksArchitecture(name: string, architecture: string, cause: ExplainedError): ExplainedError {
  return new ExplainedError({
    ...cause.explanation,
    step: `fetching ${name}`,
    found: `the signed Release lists packages for ${architecture}, and this server has no index of them in any form (${cause.explanation.found})`,
    remedy: `Take ${architecture} out of architectures, or mirror a server that has it: Ubuntu keeps all but amd64 and i386 at http://ports.ubuntu.com/ubuntu-ports, which is a mirror of its own here. If upstream is in the middle of an update, try again.`,
    values: ["architectures", "upstream.url"],
    cause,
  });
}

/** An index, unpacked in pieces; the last one comes only when all of them are what was signed. */
export async function readIndex(
  { fetch, cache }: ArchiveRequest,
  release: Release,
  from: ReadFrom,
  entries: readonly ReleaseEntry[],
  budget: IndexBudget,
): Promise<AsyncIterable<Uint8Array>> {
  const { suite, path } = from;
  let absent = true;
  const rank = (entry: ReleaseEntry) => preference.indexOf(compressionOf(entry.path));
  const forms = entries.filter((entry) => !entry.path.endsWith(".lzma")).sort((a, b) => rank(a) - rank(b));
  const plain = release.entries.get(path);
  let failure: unknown;
  for (const entry of forms) {
    const name = inSuite(suite, entry.path);
    let bytes = await cache.get(entry.sha256);
    if (!bytes) {
      // Before it is fetched: unpacked it is larger.
      if (entry.size > 0) budget.allow(entry.size, name);
      try {
        bytes = await firstAvailable(fetch, availableNames(release, from, entry), { maximum: entry.size });
      } catch (error) {
        absent &&= error instanceof NotThere;
        failure ??= error;
        continue;
      }
      check(name, bytes, entry);
      await cache.put(bytes);
    }
    return signedPieces(unpacked(bytes, compressionOf(entry.path), name), plain, name, budget);
  }
  const name = inSuite(suite, path);
  if (
    absent &&
    failure instanceof NotThere &&
    !["amd64", "all", "any", "source"].includes(from.architecture)
  ) {
    throw lacksArchitecture(name, from.architecture, failure);
  }
  throw failure instanceof ExplainedError
    ? failure
    : new ExplainedError({
        step: `fetching ${name}`,
        found: failure
          ? (failure as Error).message
          : "upstream has it in no form that can be read (gz, xz, zst, bz2 or unpacked)",
        remedy:
          "Try again in a while: upstream may be in the middle of an update. If it stays so, use another mirror of it.",
        cause: failure,
      });
}

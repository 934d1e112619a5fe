import { ExplainedError } from "../../errors/explained-error.ts";
import { compressionOf, unpacked } from "../decompress.ts";
import { NotFound } from "../fetch.ts";
import type { ArchiveRequest } from "./archive-request.ts";
import { check, signedPieces } from "./as-signed.ts";
import type { IndexBudget } from "./index-budget.ts";
import { availableNames, firstAvailable } from "./presence.ts";
import type { Release, ReleaseEntry } from "./release.ts";
import { inSuite } from "./suite-place.ts";

/**
 * The order in which forms are tried; a missing one is not an error as long as another exists. gzip comes before xz:
 * it is a third larger, but Node unpacks it natively, in a third of the time and with 100 MiB less memory (Debian
 * main).
 */
const preference = ["gz", "zst", "xz", "none", "bz2"];

interface ReadFrom {
  readonly suite: string;
  /** Path of the uncompressed index in the suite. */
  readonly path: string;
  readonly architecture: string;
  readonly present: ReadonlySet<string>;
}

/** Some servers have the indices of only some architectures, with a Release that lists those of all. */
function lacksArchitecture(name: string, architecture: string, cause: ExplainedError): ExplainedError {
  return new ExplainedError({
    ...cause.explanation,
    step: `fetching ${name}`,
    found: `the signed Release lists packages for ${architecture}, but this server has their index in no form (${cause.explanation.found})`,
    remedy: `Remove ${architecture} from architectures, or mirror a server that has it: Ubuntu has all but amd64 and i386 at http://ports.ubuntu.com/ubuntu-ports, which needs a separate mirror here. If upstream is in the middle of an update, try again.`,
    values: ["architectures", "upstream.url"],
    cause,
  });
}

/** An index, uncompressed, in pieces. The last piece comes only after all of them have been verified. */
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
      // Checked before it is fetched: uncompressed it is larger.
      if (entry.size > 0) budget.allow(entry.size, name);
      try {
        bytes = await firstAvailable(fetch, availableNames(release, from, entry), { maximum: entry.size });
      } catch (error) {
        absent &&= error instanceof NotFound;
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
    failure instanceof NotFound &&
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
          "Try again later: upstream may be in the middle of an update. If the error stays, use another mirror of it.",
        cause: failure,
      });
}

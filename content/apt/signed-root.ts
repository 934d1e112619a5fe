import { ExplainedError } from "../../errors/explained-error.ts";
import { digestOf } from "../../values/digest.ts";
import { NotFound } from "../fetch.ts";
import type { TrustedKeys } from "../openpgp/keyring.ts";
import { type Verified, verifyClearsigned, verifyDetached } from "../openpgp/verify.ts";
import type { ArchiveRequest } from "./archive-request.ts";
import { tampered } from "./as-signed.ts";
import type { RootFile } from "./metadata-file.ts";
import { inSuite } from "./suite-place.ts";

const maximumRootBytes = 16 * 1024 * 1024;

/** The signed root of a suite: InRelease, or Release and Release.gpg. */
export async function readRoot(
  { fetch, cache, now, accept }: ArchiveRequest,
  keys: TrustedKeys,
  suite: string,
): Promise<{ verified: Verified; roots: RootFile[] }> {
  const get = async (file: string): Promise<RootFile> => {
    const path = inSuite(suite, file);
    return rootOf(path, await fetch(path, { maximum: maximumRootBytes }));
  };
  let inline: RootFile;
  try {
    inline = await get("InRelease");
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    const detached = await Promise.all([get("Release"), get("Release.gpg")]).catch(() => {
      // The first failure names the cause.
      throw error;
    });
    const [text, signature] = detached;
    const verified = await verifyDetached(text.bytes, signature.bytes, keys, now, text.path, accept);
    return { verified, roots: detached };
  }
  const verified = await verifyClearsigned(inline.bytes, keys, now, inline.path, accept);
  return { verified, roots: [inline, ...(await detachedBeside(inline, verified))] };

  // Old clients request these. They are fetched only when InRelease has changed.
  async function detachedBeside(root: RootFile, { text }: Verified): Promise<RootFile[]> {
    const cacheKey = `detached root beside ${root.path} ${root.sha256}`;
    const note = await cache.recall(cacheKey);
    if (note !== undefined) {
      const kept = await Promise.all(
        note
          .split(" ")
          .filter(Boolean)
          .map((digest) => cache.get(digest)),
      );
      const [release, signature] = kept;
      if (note === "") return [];
      if (release && signature) {
        return [rootOf(inSuite(suite, "Release"), release), rootOf(inSuite(suite, "Release.gpg"), signature)];
      }
    }
    const found = await Promise.all([get("Release"), get("Release.gpg")]).catch((error: unknown) => {
      if (!(error instanceof NotFound)) throw error;
      return [];
    });
    const [release, signature] = found;
    // Upstream may be in the middle of an update and have other files now. So it is read again next time.
    if (release && signature) {
      if (release.bytes.toString().trimEnd() !== text.trimEnd()) return [];
      const verifying = verifyDetached(release.bytes, signature.bytes, keys, now, release.path, accept);
      if (!(await verifying.catch(() => undefined))) return [];
    }
    await cache.remember(cacheKey, (await Promise.all(found.map(({ bytes }) => cache.put(bytes)))).join(" "));
    return found;
  }
}

function rootOf(path: string, bytes: Buffer): RootFile {
  if (bytes.length > maximumRootBytes) throw tampered(path, `it is longer than ${maximumRootBytes} bytes`);
  const other = unexpectedContent(bytes);
  if (other) throw unexpectedContentError(path, other);
  return { path, from: path, bytes, size: bytes.length, sha256: digestOf(bytes) };
}

/**
 * What was received instead of a signed text, if that can be determined. Such content does not show any fault of the
 * archive or its key.
 */
function unexpectedContent(bytes: Buffer): string | undefined {
  if (bytes.length === 0) return "it is empty";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "it is compressed with gzip, which was not requested";
  if (/^\s*(<!doctype\s|<html|<\?xml)/i.test(bytes.toString("latin1", 0, 200))) {
    return "it is a web page, e.g. the login page of a network or of a proxy";
  }
  return undefined;
}

function unexpectedContentError(path: string, found: string): ExplainedError {
  return new ExplainedError({
    step: `reading ${path}`,
    found,
    remedy:
      "Nothing was changed. Check with `curl -I` on the mirror's host what answers there: a proxy, a network's login page, or another server than the archive's.",
    values: ["upstream.url"],
  });
}

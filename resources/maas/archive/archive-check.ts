import { trustedKeys, ubuntuArchiveKey } from "../../../content/openpgp/keyring.ts";
import { verifyClearsigned } from "../../../content/openpgp/verify.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Host } from "../../../hosts/host.ts";

interface CheckedArchive {
  /** The name in MAAS. */
  readonly name: string;
  readonly url: string;
  /** Armored; `""` for none. */
  readonly key: string;
  /** The suite that a machine requests. */
  readonly suite: string;
}

/** Signs Ubuntu's releases since 2012; current ones have its signature beside that of the newer key. */
const olderUbuntuKey = "790BC7277767219C42C86F933B4FE6ACC0B21F32";

/**
 * Checks an archive as a machine does. MAAS accepts any URL and key, and an error would appear only when apt of a
 * deployed machine refuses them.
 *
 * @returns A warning, although the archive may be correct.
 * @throws ExplainedError if the declared key did not sign the archive: no machine could use it.
 */
export async function archiveWarning(host: Host, archive: CheckedArchive): Promise<string | undefined> {
  const { name, key, suite } = archive;
  const url = `${archive.url.replace(/\/*$/, "")}/dists/${suite}/InRelease`;
  const answer = await host.fetch(url, { maximumBytes: 16 * 1024 * 1024 }).catch((error: unknown) => {
    if (error instanceof ExplainedError) return error;
    throw error;
  });
  if (answer instanceof ExplainedError) {
    return `${name}: ${url} cannot be read from ${host.name} (${answer.explanation.found}), but machines need it`;
  }
  if (answer.status !== 200) {
    return `${name}: ${url} does not exist (status ${answer.status}): machines with ${suite} will find no packages`;
  }
  const declared = key !== "";
  const trusted = await trustedKeys(declared ? key : [ubuntuArchiveKey, olderUbuntuKey]);
  try {
    await verifyClearsigned(answer.body, trusted, new Date(), url);
    return undefined;
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    const { found } = error.explanation;
    if (!declared) {
      return `${name}: machines verify it with Ubuntu's keys, but ${url} is not signed with these (${found}). Declare its key, unless the images of the machines contain it`;
    }
    throw new ExplainedError({
      step: `checking that machines can use ${name}`,
      found: `${url} is not signed with the declared key (${found})`,
      remedy:
        "Declare the key of a mirror with its own signature. Leave it out for a mirror with Ubuntu's signature.",
      values: ["key"],
    });
  }
}

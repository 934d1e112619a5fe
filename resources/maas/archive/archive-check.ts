import { trustedKeys, ubuntuArchiveKey } from "../../../content/openpgp/keyring.ts";
import { verifyClearsigned } from "../../../content/openpgp/verify.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Host } from "../../../hosts/host.ts";

interface CheckedArchive {
  /** What it is called in MAAS. */
  readonly name: string;
  readonly url: string;
  /** Armored; `""` for none. */
  readonly key: string;
  /** Which suite a machine would ask for. */
  readonly suite: string;
}

/** Signs Ubuntu's releases since 2012; those of today carry its signature beside the newer key's. */
const olderUbuntuKey = "790BC7277767219C42C86F933B4FE6ACC0B21F32";

/**
 * Looks at an archive as a machine will: MAAS takes any URL and any key, and it shows only when a machine is deployed that its
 * apt refuses them.
 *
 * @returns what a person should know though it may be right.
 * @throws ExplainedError where a key is declared that did not sign the archive: no machine could use it.
 */
export async function archiveWarning(host: Host, archive: CheckedArchive): Promise<string | undefined> {
  const { name, key, suite } = archive;
  const url = `${archive.url.replace(/\/*$/, "")}/dists/${suite}/InRelease`;
  const answer = await host.fetch(url, { maximumBytes: 16 * 1024 * 1024 }).catch((error: unknown) => {
    if (error instanceof ExplainedError) return error;
    throw error;
  });
  if (answer instanceof ExplainedError) {
    return `${name}: ${url} cannot be read from ${host.name} (${answer.explanation.found}); machines need it`;
  }
  if (answer.status !== 200) {
    return `${name}: ${url} is not there (status ${answer.status}); machines with ${suite} will find no packages`;
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
      return `${name}: machines verify it with Ubuntu's own keys, and ${url} is not signed with them (${found}); unless their images know its key, declare it as key`;
    }
    throw new ExplainedError({
      step: `checking that machines can use ${name}`,
      found: `${url} is not signed with the declared key (${found})`,
      remedy:
        "Declare the key of a mirror that signs itself; leave it out for one that passes Ubuntu's signature on.",
      values: ["key"],
    });
  }
}

import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Host } from "../../../hosts/host.ts";
import { quote } from "../../../hosts/shell.ts";
import { type ApiKey, apiKeyFrom, apiKeyScript, parseApiKey } from "../../../maas/api-key.ts";
import { MaasClient } from "../../../maas/client.ts";
import { directTransport } from "../../../maas/direct-transport.ts";
import { whoami } from "../../../maas/operations/users.ts";
import { comparedTo, type MaasVersion, readVersion } from "../../../maas/operations/version.ts";
import type { MaasTransport } from "../../../maas/transport.ts";
import type { MaasInputs } from "./connection.ts";

/** A connection to MAAS as an administrator, with its version. */
export interface MaasRegion {
  readonly client: MaasClient;
  readonly version: MaasVersion;
}

/** `maas apikey` starts Django and queries the database, which takes seconds, or longer on a busy region. */
const apiKeyTimeoutMs = 180_000;

const regions = new Map<string, Promise<MaasRegion>>();

/**
 * The region of the inputs. All resources of one process share it: the key is read, and version and user are checked,
 * once; requests are sent one after the other.
 *
 * @param warn Receives warnings, each once per process.
 * @throws ExplainedError if the key cannot be read or is refused, its user is not an administrator, or MAAS is too
 * old.
 */
export function regionOf(
  host: Host,
  inputs: MaasInputs,
  warn: (line: string) => void = () => {},
): Promise<MaasRegion> {
  const name = JSON.stringify([host.name, inputs.maas, inputs.apiKey]);
  let region = regions.get(name);
  if (!region) {
    region = open(host, inputs, warn).catch((error) => {
      regions.delete(name);
      throw error;
    });
    regions.set(name, region);
  }
  return region;
}

async function open(
  host: Host,
  { maas, apiKey }: MaasInputs,
  warn: (line: string) => void,
): Promise<MaasRegion> {
  const key = apiKey ? parseApiKey(apiKey) : await readApiKey(host, maas.user);
  const transport = maas.direct ? directTransport({ ca: maas.ca }) : tunnelTransport(host, maas.ca);
  const client = new MaasClient({ url: maas.url, key, transport, host: host.name, warn });
  const version = await readVersion(client);
  const versionError = refusedVersion(version);
  if (versionError) throw versionError;
  if (comparedTo(version, 3, 8) > 0) {
    warn(`MAAS ${version.text} is newer than the versions that this release supports (3.4 to 3.8)`);
  }
  const user = await whoami(client);
  if (!user.isAdministrator) {
    throw new ExplainedError({
      step: "checking the API key of MAAS",
      found: `its user ${user.name} is not an administrator`,
      remedy: "Declare an administrator as maas.user, or the API key of one as maas.apiKey.",
    });
  }
  return { client, version };
}

function refusedVersion(version: MaasVersion): ExplainedError | undefined {
  if (comparedTo(version, 3, 4) >= 0) return undefined;
  return new ExplainedError({
    step: "checking the version of MAAS",
    found: `it is ${version.text}`,
    remedy:
      "Upgrade MAAS to 3.4 or newer: older versions have another API, and no longer get security updates.",
  });
}

async function readApiKey(host: Host, user: string): Promise<ApiKey> {
  const answer = await host.run(apiKeyScript(quote(user)), {
    step: `reading the API key of the MAAS user ${user}`,
    allowFailure: true,
    timeoutMs: apiKeyTimeoutMs,
  });
  return apiKeyFrom(answer, user, host.name);
}

function tunnelTransport(host: Host, ca: string | undefined): MaasTransport {
  return (url, request) => host.fetch(url, { ...request, ...(ca ? { ca } : {}) });
}

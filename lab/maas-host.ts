import { ExplainedError } from "../errors/explained-error.ts";
import type { Lab } from "./lab.ts";
import type { ControlRequest } from "./maas/control.ts";
import { type VersionName, versions } from "./maas/versions.ts";
import { environmentFile } from "./maas-host/files.ts";
import { until } from "./until.ts";

const service = "maas-stand-in.service";

/** The MAAS of a lab. It is a stand-in (`lab/maas`), and on the host `maas`, which must be up. */
export interface LabMaas {
  /** Its API as the workstation sees it, with a slash at the end. The host itself says `localhost`. */
  readonly url: string;
  /** An API key, as the host's own command tells it. Default: the administrator's. */
  apiKey(username?: string): Promise<string>;
  /** Starts it again. Whatever it was importing is not there then. */
  restart(): Promise<void>;
  /** Makes it another release, with all that it has: as an upgrade does. */
  setVersion(version: VersionName): Promise<void>;
  /** Makes it as just installed, with the same API keys. Default: the release that it is. */
  reset(version?: VersionName): Promise<void>;
  /** Makes it slow, unavailable, late or full; see `ControlRequest`. Until it is started again. */
  control(request: ControlRequest): Promise<void>;
}

/** The MAAS of a lab. */
export function maasOf(lab: Lab): LabMaas {
  const url = `http://${lab.address("maas", "outside")}:5240/MAAS/`;

  async function sh(step: string, script: string, input?: string): Promise<string> {
    const { code, stdout, stderr } = await lab.sh("maas", script, input === undefined ? {} : { input });
    if (code === 0) return stdout.trim();
    throw new ExplainedError({
      host: "maas",
      step,
      found: stderr.trim(),
      remedy: `See: journalctl -u ${service} on the host maas.`,
    });
  }

  async function ready(): Promise<void> {
    await until("the API of the lab's MAAS", 20_000, async () => {
      const answer = await fetch(`${url}api/2.0/version/`).catch(() => undefined);
      return answer?.ok === true;
    });
  }

  async function started(step: string, before = ""): Promise<void> {
    await sh(step, `systemctl stop ${service} && ${before} systemctl start ${service}`);
    await ready();
  }

  const setting = (version: VersionName) => {
    if (!(version in versions))
      throw new Error(`There is no ${version}: ${Object.keys(versions).join(", ")}.`);
    return `sed -i 's/^MAAS_VERSION=.*/MAAS_VERSION=${version}/' ${environmentFile} &&`;
  };

  return {
    url,
    async apiKey(username = "admin") {
      await ready();
      return await sh("reading an API key", `maas apikey --username '${username}' | head -n 1`);
    },
    restart: () => started("restarting MAAS"),
    setVersion: (version) => started("changing MAAS's release", setting(version)),
    reset: (version) =>
      started(
        "resetting MAAS",
        `${version === undefined ? "" : setting(version)} rm -rf /var/lib/maas-stand-in/* &&`,
      ),
    async control(request) {
      const socket =
        "curl -sSf --unix-socket /run/maas-stand-in/control --data-binary @- http://localhost/control";
      await sh("making the lab's MAAS fail", socket, JSON.stringify(request));
    },
  };
}

import { ExplainedError } from "../errors/explained-error.ts";
import type { Lab } from "./lab.ts";
import type { ControlRequest } from "./maas/control.ts";
import { type VersionName, versions } from "./maas/versions.ts";
import { environmentFile } from "./maas-host/files.ts";
import { until } from "./until.ts";

const service = "maas-stand-in.service";

/** The MAAS of a lab: the stand-in (`lab/maas`) on the host `maas`, which must run. */
export interface LabMaas {
  /**
   * The URL of its API for the workstation, with a slash at the end. On the host itself the URL has
   * `localhost`.
   */
  readonly url: string;
  /** An API key, read with the command `maas apikey` on the host. Default: the administrator's. */
  apiKey(username?: string): Promise<string>;
  /** Restarts the service. A running import is lost. */
  restart(): Promise<void>;
  /** Changes its release and keeps its data, as an upgrade does. */
  setVersion(version: VersionName): Promise<void>;
  /** Deletes its data, as in a new installation, but keeps the API keys. Default: the present release. */
  reset(version?: VersionName): Promise<void>;
  /** Makes it slow, unavailable, wrong in its time or full, until it is restarted; see `ControlRequest`. */
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
      throw new Error(
        `The version ${version} does not exist. Versions: ${Object.keys(versions).join(", ")}.`,
      );
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

import type { Maas } from "../maas.ts";
import { bootSources } from "./boot-sources.ts";
import type { Route } from "./fetch.ts";

/**
 * The configured way to the mirrors: through `http_proxy` if it is enabled and set, but directly to the boot sources'
 * hosts if `boot_images_no_proxy` is set (maasserver/bootsources.py, `get_simplestreams_env`).
 */
export function routeOf(maas: Maas): Route {
  const { config } = maas.store.state;
  const proxy = config.http_proxy;
  const enabled = config.enable_http_proxy ?? true;
  if (enabled !== true || typeof proxy !== "string" || proxy === "") return { proxy: undefined, direct: [] };
  const mirrors =
    config.boot_images_no_proxy === true ? bootSources(maas).map(({ url }) => new URL(url).hostname) : [];
  return { proxy, direct: ["127.0.0.1", "localhost", ...mirrors] };
}

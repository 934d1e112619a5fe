import { resolveDestination } from "../../hosts/connections.ts";
import type { Serve } from "./web-site.ts";

/** What a host serves to clients. */
export interface Served {
  readonly host: string;
  readonly serve: Serve & { readonly address?: string | undefined };
}

/** The URL for clients. Call it after the mirror's lookup, which explains errors of the host. */
export async function urlOf({ host, serve }: Served): Promise<string> {
  const address = serve.address ?? serve.serverNames[0] ?? (await resolveDestination(host)).hostname;
  const standard = serve.tls ? 443 : 80;
  const port = serve.port === standard ? "" : `:${serve.port}`;
  return `${serve.tls ? "https" : "http"}://${address}${port}${serve.path}`;
}

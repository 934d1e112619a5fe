import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ExplainedError } from "../../errors/explained-error.ts";
import { explainedOnce } from "../../errors/repeated-failure.ts";
import { hostNamed } from "../../hosts/connections.ts";
import { type MaasConnectionArgs, maasInputs } from "../../resources/maas/region/connection.ts";
import { regionOf } from "../../resources/maas/region/region.ts";
import { isKnown } from "../arguments/late-values.ts";
import { lookedUp } from "../arguments/lookup.ts";

/**
 * The connection. In a preview its host waits for a check that MAAS answers, in a supported version and to a user with the
 * necessary rights. In an update the resources check this. If the connection is not known yet, nothing is checked.
 *
 * @param name The component in messages.
 */
export function seenRegion(
  component: pulumi.ComponentResource,
  name: string,
  maas: MaasConnectionArgs,
): MaasConnectionArgs {
  if (!pulumi.runtime.isDryRun()) return maas;
  const { host, url, user, apiKey, direct, ca } = maas;
  const access = pulumi.all([url, user, apiKey, direct, ca]);
  const seen = pulumi.output(host).apply(async (host) => {
    if (!(await isKnown(access))) return host;
    return access.apply(async ([url, user, apiKey, direct, ca]) => {
      const given = { maas: { url, user, direct, ca }, ...(apiKey === undefined ? {} : { apiKey }) };
      const declared = z.object(maasInputs).safeParse(given);
      // The resources report errors of the declaration, with its path.
      if (declared.success) await lookedUp(component, "maas", look(host, name, declared.data));
      return host;
    });
  });
  // The API key is secret, but the host's name contains no part of it.
  return { ...maas, host: pulumi.unsecret(seen as pulumi.Output<string>) };
}

async function look(host: string, name: string, declared: Parameters<typeof regionOf>[1]) {
  const warnings: string[] = [];
  try {
    await regionOf(hostNamed(host), declared, (line) => warnings.push(line));
  } catch (error) {
    throw error instanceof ExplainedError ? explainedOnce(error.within({ host }), name) : error;
  }
  return { changes: [], warnings };
}

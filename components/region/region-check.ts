import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ExplainedError } from "../../errors/explained-error.ts";
import { explainedOnce } from "../../errors/repeated-failure.ts";
import { hostNamed } from "../../hosts/connections.ts";
import { type MaasConnectionArgs, maasInputs } from "../../resources/maas/region/connection.ts";
import { regionOf } from "../../resources/maas/region/region.ts";
import { lookedUp } from "../arguments/lookup.ts";

/**
 * The connection, whose host is known in a preview only once the region was seen: that MAAS is there and answers, in a version
 * and to a user that will do. An update's resources find that out themselves.
 *
 * @param name What the component is called, which explains for all what is wrong.
 */
export function seenRegion(
  component: pulumi.ComponentResource,
  name: string,
  maas: MaasConnectionArgs,
): MaasConnectionArgs {
  if (!pulumi.runtime.isDryRun()) return maas;
  const { host, url, user, apiKey, direct, ca } = maas;
  const seen = pulumi
    .all([host, url, user, apiKey, direct, ca])
    .apply(async ([host, url, user, apiKey, direct, ca]) => {
      const given = { maas: { url, user, direct, ca }, ...(apiKey === undefined ? {} : { apiKey }) };
      const declared = z.object(maasInputs).safeParse(given);
      // What is wrong with the declaration the resources say, by its path.
      if (declared.success) await lookedUp(component, "maas", look(host, name, declared.data));
      return host;
    });
  // A key is secret, and nothing of it is in the host's name.
  return { ...maas, host: pulumi.unsecret(seen) };
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

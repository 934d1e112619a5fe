import * as pulumi from "@pulumi/pulumi";
import { printable } from "../../errors/explained-error.ts";
import { type CheckedArguments, withPlainMessage } from "../arguments/checked-arguments.ts";
import { type Served, urlOf } from "./mirror-url.ts";
import { tlsFindings } from "./tls-certificate.ts";

/**
 * The private key of `serve.tls`, as a secret. It fails if nginx would refuse the key or the certificate. The
 * component shows the errors that clients will report, and how long the certificate is valid.
 *
 * @param path the component in the stack's configuration, such as `aptMirrors.ubuntu`.
 */
export function checkedTls(
  component: pulumi.ComponentResource,
  path: string,
  args: CheckedArguments<Served>,
): pulumi.Output<string> | undefined {
  const key = args.secret("serve.tls.key");
  if (key === undefined) return undefined;
  const at = `${path}.serve.tls`;
  const look = async ({ host, serve }: Served, known: string | undefined) => {
    // The mirror's lookup explains errors of the host.
    const url = await urlOf({ host, serve }).catch(() => undefined);
    const names = [...serve.serverNames, ...(url ? [new URL(url).hostname] : [])];
    const { certificate = "" } = serve.tls ?? {};
    const { faults, warnings, validity } = tlsFindings({ certificate, key: known }, names);
    if (faults.length > 0) {
      const lines = faults.map((fault) => `${at}.${fault.path}: ${fault.message}`);
      throw withPlainMessage(new pulumi.ResourceError(lines.join("\n"), component, true));
    }
    return { warnings, validity };
  };
  const settings = pulumi
    .all([args.own.host, args.own.serve])
    .apply(([host, serve]) => ({ host, serve }) as Served);
  // The certificate can be checked before its key is known.
  const early = settings.apply(async (served) => {
    const { warnings, validity } = await look(served, undefined);
    if (validity) void pulumi.log.info(printable(`${at}.certificate: ${validity}`), component);
    for (const warning of warnings)
      void pulumi.log.warn(printable(`${at}.certificate: ${warning}`), component);
  });
  return pulumi.all([key, settings, early]).apply(async ([known, served]) => {
    await look(served as Served, known);
    return known;
  });
}

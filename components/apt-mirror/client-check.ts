import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { sh } from "../../hosts/shell.ts";
import { sshCommandLine } from "../../hosts/ssh-command-line.ts";
import { Files } from "../../resources/host/files.ts";
import { checkedArguments } from "../arguments/checked-arguments.ts";
import { derivedFrom } from "../arguments/late-values.ts";
import { type ClientCheckArgs, programClientCheckSchema } from "./client-check-args.ts";

/**
 * Tests that a client can install packages from the mirror. The client gets the mirror's sources entry and installs a
 * package with plain apt, again after each change of the mirror's content. If the check is deleted, both are removed.
 */
export class ClientCheck extends pulumi.ComponentResource {
  /** The result: the installed version and where it came from. */
  readonly answer: pulumi.Output<string>;

  constructor(name: string, args: ClientCheckArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:ClientCheck", name, {}, options);
    const { own, plain } = checkedArguments(this, `ClientCheck ${name}`, args, programClientCheckSchema);
    const mirror = plain("mirror");
    const file = `/etc/apt/sources.list.d/airgapped-maas-${name}.sources`;
    const sources = new Files(
      `${name}-sources`,
      { host: own.host, files: mirror.sourcesEntry.apply((content) => ({ [file]: { content } })) },
      { parent: this },
    );
    const onClient = (scriptFor: (name: string) => string) =>
      derivedFrom([own.host, own.package], (host, wanted) => sshCommandLine(host, scriptFor(wanted)));
    const install = new local.Command(
      `${name}-install`,
      {
        create: onClient((wanted) => installScript(file, wanted)),
        delete: onClient(removeScript),
        triggers: [mirror.contents.plan, mirror.sourcesEntry],
      },
      { parent: this, dependsOn: [sources, mirror], deleteBeforeReplace: true },
    );
    this.answer = install.stdout;
    this.registerOutputs({ answer: this.answer });
  }
}

/**
 * Installs the package from the mirror only, and fetches it now: a success must not come from another source, from
 * old indices or from a cached package. If apt-get update gets no index, it exits with 0, unless Error-Mode is `any`
 * (apt.conf(5)).
 */
function installScript(sources: string, name: string): string {
  return sh`set -eu
export DEBIAN_FRONTEND=noninteractive
entry=${sources}
run() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
run apt-get -qq -o APT::Update::Error-Mode=any -o Dir::Etc::SourceList="$entry" -o Dir::Etc::SourceParts=/dev/null -o APT::Get::List-Cleanup=0 update
run apt-get clean
run env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends --reinstall install ${name} >/dev/null
dpkg-query -W -f '\${Package} \${Version} is installed\n' ${name}
apt-cache policy ${name} | awk '/^ +-?[0-9]+ http/ { print "  from " $2 " " $3; exit }'`;
}

function removeScript(name: string): string {
  return sh`set -eu
run() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
# A client that was installed again has lost the package.
dpkg-query -W ${name} >/dev/null 2>&1 || exit 0
run env DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge --auto-remove ${name} >/dev/null`;
}

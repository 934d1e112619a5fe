import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { ExplainedError } from "../errors/explained-error.ts";
import type { UbuntuSuite } from "./archive/ubuntu.ts";
import { imagesCommand, imagesUsage } from "./images-command.ts";
import { labDown, labNames, labStatus, labUp, runningLab } from "./lab.ts";
import type { VersionName } from "./maas/versions.ts";
import { type LabMaas, maasOf } from "./maas-host.ts";
import { upstreamOf } from "./upstream.ts";

const usage = `usage: node lab/main.ts COMMAND [--name NAME]   (default name: demo)
  up [--hosts a,b]                                 boot the hosts that are not running
  down [--all]                                     stop the lab; with --all, every lab of this repository
  status
  ssh HOST [COMMAND...]                            run ssh with the lab's ssh_config
  release PACKAGE VERSION [--suite S] [--phased N] publish a new version (default suite: noble-updates)
  withdraw PACKAGE [--suite S]                     remove it from a suite
  tamper KIND [--suite S] [--package P] [--path REGEX]
                                                   damage upstream; without KIND, list the kinds. P is the
                                                   package whose .deb file is flipped or missing (default: the
                                                   first of the suite); a server fault concerns paths that
                                                   match REGEX
${imagesUsage}
  maas restart | reset | version 3.5|3.6|3.7|3.8   the stand-in for MAAS on the host maas: restart it, delete its
                                                   data, or change its release and keep its data
  restore                                          serve the newest good archive and images again
  reset                                            publish the first archive and images again`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: "string", default: "demo" },
      all: { type: "boolean", default: false },
      hosts: { type: "string" },
      suite: { type: "string" },
      phased: { type: "string" },
      path: { type: "string" },
      package: { type: "string" },
      os: { type: "string" },
      release: { type: "string" },
      arch: { type: "string" },
      serial: { type: "string" },
      item: { type: "string" },
    },
  });
  const [what, ...rest] = positionals;
  const [first = "", second = ""] = rest;
  const { name } = values;
  const suite = values.suite as UbuntuSuite | undefined;
  switch (what) {
    case "up":
      await labUp(name, values.hosts === undefined ? {} : { hosts: values.hosts.split(",") });
      break;
    case "down":
      for (const each of values.all ? labNames() : [name]) await labDown(each);
      return 0;
    case "status":
      break;
    case "ssh": {
      const { sshConfig } = runningLab(name).paths;
      return spawnSync("ssh", ["-F", sshConfig, first, ...rest.slice(1)], { stdio: "inherit" }).status ?? 255;
    }
    case "release":
      await upstreamOf(runningLab(name)).release({
        package: first,
        version: second,
        suite,
        phased: values.phased === undefined ? undefined : Number(values.phased),
      });
      return 0;
    case "withdraw":
      await upstreamOf(runningLab(name)).withdraw(first, suite);
      return 0;
    case "tamper":
      await upstreamOf(runningLab(name)).tamper(first, { suite, path: values.path, package: values.package });
      return 0;
    case "images": {
      const printed = await imagesCommand(upstreamOf(runningLab(name)).images, rest, values);
      console.log(printed ?? usage);
      return printed === undefined ? 2 : 0;
    }
    case "maas": {
      const carriedOut = await maasCommand(maasOf(runningLab(name)), first, second);
      if (!carriedOut) console.error(usage);
      return carriedOut ? 0 : 2;
    }
    case "restore":
      await upstreamOf(runningLab(name)).restore();
      return 0;
    case "reset":
      await upstreamOf(runningLab(name)).reset();
      return 0;
    default:
      console.error(usage);
      return what === undefined || what === "help" ? 0 : 2;
  }
  for (const { host, role, running, addresses } of labStatus(name)) {
    console.log(
      `${host.padEnd(9)} ${(running ? "up" : "-").padEnd(3)} ${addresses.join(" ").padEnd(24)} ${role}`,
    );
  }
  return 0;
}

/** Returns false if the command is unknown. */
async function maasCommand(maas: LabMaas, what: string, version: string): Promise<boolean> {
  if (what === "restart") await maas.restart();
  else if (what === "reset") await maas.reset();
  else if (what === "version") await maas.setVersion(version as VersionName);
  else return false;
  return true;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof ExplainedError ? error.message : error);
    process.exitCode = 1;
  },
);

import { join } from "node:path";
import type { Lab } from "../../../lab/lab.ts";
import { repository } from "../../../lab/paths.ts";
import { Stack } from "../../e2e/stack.ts";
import type { UnpackedRelease } from "./unpacked.ts";

/** The hosts of the lab that the stack needs. */
export const hosts = ["upstream", "mirror", "maas", "client"] as const;

/**
 * A stack with a resource of every kind, in the unpacked release. Its paths are relative to the project, so that the
 * state does not depend on the machine.
 */
export async function stackOfEveryKind(release: UnpackedRelease, lab: Lab): Promise<Stack> {
  release.add(lab.paths.sshConfig, "ssh_config");
  release.add(lab.paths.customImage, "images/rocky9.tar.gz");
  for (const key of ["ubuntu.asc", "images.asc"]) release.add(join(repository, ".lab/keys", key), key);
  release.runProgram("every-kind.ts", program);
  const stack = await Stack.create({ name: "release", project: release.project });
  stack.configure(declaration);
  return stack;
}

/** Resources that a stack file cannot declare. */
const program = `import { Sysctl } from "./resources/host/sysctl.ts";
export * from "./index.ts";
new Sysctl("kernel", { host: "mirror", settings: { "net.ipv4.ip_unprivileged_port_start": 1000 } });
`;

const serve = { address: "mirror.datacentre.lab" };
const file = "images/rocky9.tar.gz";
const declaration = {
  sshConfig: "ssh_config",
  aptMirrors: {
    ubuntu: {
      host: "mirror",
      upstream: { url: "http://archive.ubuntu.com/ubuntu", key: "ubuntu.asc" },
      suites: ["noble", "noble-updates"],
      serve,
      validFor: "30d",
    },
    untouched: {
      host: "mirror",
      signing: "upstream",
      upstream: { url: "http://archive.ubuntu.com/ubuntu", key: "ubuntu.asc" },
      suites: ["noble"],
      components: ["main"],
      serve: { ...serve, path: "/untouched" },
    },
  },
  imageMirrors: {
    images: {
      host: "mirror",
      upstream: { url: "http://images.maas.io/ephemeral-v3/stable/", key: "images.asc" },
      images: [{ os: "ubuntu", releases: ["noble"], architectures: ["amd64"] }],
      serve,
    },
  },
  customImages: {
    rocky9: { host: "mirror", os: "rhel", release: "rocky9", title: "Rocky Linux 9", file, serve },
    golden: {
      via: "upload",
      os: "custom",
      release: "golden",
      title: "Golden",
      baseImage: "ubuntu/noble",
      file,
    },
  },
  maas: {
    region: { host: "maas" },
    settings: {
      profile: "airgapped",
      settings: { upstream_dns: [], ntp_servers: [], commissioning_distro_series: "noble" },
    },
    archive: { mainArchive: { mirror: "ubuntu" } },
    bootSource: { mirror: "images", customImages: ["rocky9"] },
  },
  clientChecks: { jq: { host: "client", mirror: "ubuntu", package: "jq" } },
};

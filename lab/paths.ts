import { createHash } from "node:crypto";
import { join } from "node:path";

/** The repository that this lab belongs to. */
export const repository = join(import.meta.dirname, "..");

/** What every lab of this repository shares: root file systems, downloaded packages, archive keys. */
export const sharedPaths = {
  root: join(repository, ".lab"),
  labs: join(repository, ".lab", "labs"),
  rootfs: join(repository, ".lab", "rootfs"),
  cache: join(repository, ".lab", "cache"),
  keys: join(repository, ".lab", "keys"),
} as const;

/** Where one lab keeps what belongs to it. All paths are absolute. */
export interface LabPaths {
  readonly name: string;
  readonly directory: string;
  /** An OpenSSH configuration with every host of the lab: `ssh -F <sshConfig> mirror`. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** The workstation's private key, accepted by every host. */
  readonly key: string;
  readonly hostKeys: string;
  readonly hosts: string;
  readonly archive: string;
  /** What `upstream` serves as images.maas.io. */
  readonly images: string;
  /** What stands for an image that the site built for itself; see `writeCustomImage`. */
  readonly customImage: string;
  readonly state: string;
  readonly lock: string;
  /**
   * What the names of this lab's bridges, namespaces and cgroups begin with. Short, since an interface
   * name has 15 characters; made from the repository's path too, since two clones may share a machine.
   */
  readonly prefix: string;
}

/** Names the files and kernel objects of the lab called `name`. */
export function labPaths(name: string): LabPaths {
  const directory = join(sharedPaths.labs, name);
  const digest = createHash("sha256").update(`${repository}\0${name}`).digest("hex").slice(0, 8);
  return {
    name,
    directory,
    sshConfig: join(directory, "ssh_config"),
    knownHosts: join(directory, "known_hosts"),
    key: join(directory, "keys", "id_ed25519"),
    hostKeys: join(directory, "keys"),
    hosts: join(directory, "hosts"),
    archive: join(directory, "archive"),
    images: join(directory, "images"),
    customImage: join(directory, "rocky9.tar.gz"),
    state: join(directory, "lab.json"),
    lock: join(directory, "lock"),
    prefix: `lab${digest}`,
  };
}

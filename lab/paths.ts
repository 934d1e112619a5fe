import { createHash } from "node:crypto";
import { join } from "node:path";

/** The repository that this lab belongs to. */
export const repository = join(import.meta.dirname, "..");

/**
 * Directories that all labs of this repository share: root file systems, downloaded packages, archive keys.
 */
export const sharedPaths = {
  root: join(repository, ".lab"),
  labs: join(repository, ".lab", "labs"),
  rootfs: join(repository, ".lab", "rootfs"),
  cache: join(repository, ".lab", "cache"),
  keys: join(repository, ".lab", "keys"),
} as const;

/** The paths of one lab. All paths are absolute. */
export interface LabPaths {
  readonly name: string;
  readonly directory: string;
  /** An OpenSSH configuration with every host of the lab: `ssh -F <sshConfig> mirror`. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** The workstation's private key. Every host accepts it. */
  readonly key: string;
  readonly hostKeys: string;
  readonly hosts: string;
  readonly archive: string;
  /** The files that `upstream` serves as images.maas.io. */
  readonly images: string;
  /** A file that represents an image built by the site; see `writeCustomImage`. */
  readonly customImage: string;
  readonly state: string;
  readonly lock: string;
  /**
   * The prefix of the names of this lab's bridges, namespaces and control groups. It is short because an interface
   * name has at most 15 characters. It depends on the repository's path, because two clones may be on one machine.
   */
  readonly prefix: string;
}

/** The names of the files and kernel objects of the lab `name`. */
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

/**
 * The two networks of a lab: `outside` represents the Internet. `datacentre` has no route to other networks.
 */
export type Network = "outside" | "datacentre";

/** One machine of the lab. */
export interface LabHost {
  readonly name: string;
  /** Its role in the lab, one line. */
  readonly role: string;
  /** The last byte of its address on each network that it is connected to. */
  readonly address: Readonly<Partial<Record<Network, number>>>;
  /** The user who logs in: `root`, or `ops`, who has sudo without a password. */
  readonly user: "root" | "ops";
  /** The jump host between the workstation and this host. */
  readonly jump?: string;
  /** Whether it uses `upstream` as its name server and has the lab's Debian archive as an apt source. */
  readonly suppliedByUpstream: boolean;
  /** The root file system below its overlay. */
  readonly image: "base" | "upstream";
  /** Whether `up` boots it by default. */
  readonly booted: boolean;
}

/** Every machine that a lab may have. This is the only definition of names, addresses, roles and users. */
export const labHosts: readonly LabHost[] = [
  {
    name: "upstream",
    role: "upstream: name server, package archives and images",
    address: { outside: 10 },
    user: "root",
    suppliedByUpstream: false,
    image: "upstream",
    booted: true,
  },
  {
    name: "mirror",
    role: "mirror host, on both networks",
    address: { outside: 20, datacentre: 20 },
    user: "ops",
    suppliedByUpstream: true,
    image: "base",
    booted: true,
  },
  {
    name: "mirror2",
    role: "second mirror host, for moves and for tests with several hosts",
    address: { outside: 21, datacentre: 21 },
    user: "ops",
    suppliedByUpstream: true,
    image: "base",
    booted: true,
  },
  {
    name: "client",
    role: "machine of the data centre, reached only through mirror",
    address: { datacentre: 30 },
    user: "root",
    jump: "mirror",
    suppliedByUpstream: false,
    image: "base",
    booted: true,
  },
  {
    name: "store",
    role: "snap store proxy",
    address: { outside: 22, datacentre: 22 },
    user: "ops",
    suppliedByUpstream: true,
    image: "base",
    booted: false,
  },
  {
    name: "dns",
    role: "name server of the data centre",
    address: { outside: 23, datacentre: 23 },
    user: "ops",
    suppliedByUpstream: true,
    image: "base",
    booted: false,
  },
  {
    name: "maas",
    role: "stand-in for a MAAS region, with its API on port 5240",
    address: { outside: 24, datacentre: 24 },
    user: "ops",
    suppliedByUpstream: false,
    image: "base",
    booted: true,
  },
];

/** The last byte of the workstation's address. It has one on `outside` only. */
export const workstationAddress = 1;

/** Names that `upstream`'s DNS resolves to its own address. Other names do not exist. */
export const outsideNames: readonly string[] = [
  "archive.ubuntu.com",
  "security.ubuntu.com",
  "ports.ubuntu.com",
  "images.maas.io",
  "archive.lab",
];

/** The domain of the data centre. MAAS rejects a URL whose host name has no dot, so hosts have both forms. */
export const datacentreDomain = "datacentre.lab";

/** The entry of a host, or undefined if the table does not have it. */
export function labHost(name: string): LabHost | undefined {
  return labHosts.find((host) => host.name === name);
}

/** The two networks of a lab: the Internet's stand-in, and the data centre, which has no route out. */
export type Network = "outside" | "datacentre";

/** One machine of the lab. */
export interface LabHost {
  readonly name: string;
  /** What it stands for, in a line. */
  readonly role: string;
  /** The last byte of its address on each network it has a leg on. */
  readonly address: Readonly<Partial<Record<Network, number>>>;
  /** Who logs in: `root`, or `ops`, who has sudo without a password. */
  readonly user: "root" | "ops";
  /** The host one must go through to reach it from the workstation. */
  readonly jump?: string;
  /** Whether it asks `upstream` for names and has the lab's Debian archive as an apt source. */
  readonly suppliedByUpstream: boolean;
  /** The root file system it is an overlay on. */
  readonly image: "base" | "upstream";
  /** Whether `up` boots it without being asked for it by name. */
  readonly booted: boolean;
}

/** Every machine that a lab may have. Names, addresses, roles and users are written here and nowhere else. */
export const labHosts: readonly LabHost[] = [
  {
    name: "upstream",
    role: "the Internet: name server, package archives and images",
    address: { outside: 10 },
    user: "root",
    suppliedByUpstream: false,
    image: "upstream",
    booted: true,
  },
  {
    name: "mirror",
    role: "mirror host with a leg on both networks",
    address: { outside: 20, datacentre: 20 },
    user: "ops",
    suppliedByUpstream: true,
    image: "base",
    booted: true,
  },
  {
    name: "mirror2",
    role: "second mirror host, for moves and for work on several hosts",
    address: { outside: 21, datacentre: 21 },
    user: "ops",
    suppliedByUpstream: true,
    image: "base",
    booted: true,
  },
  {
    name: "client",
    role: "a machine of the data centre, reached through mirror only",
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
    role: "a stand-in for a MAAS region; its API on port 5240",
    address: { outside: 24, datacentre: 24 },
    user: "ops",
    suppliedByUpstream: false,
    image: "base",
    booted: true,
  },
];

/** The last byte of the workstation's own address, on `outside` only. */
export const workstationAddress = 1;

/** Names that `upstream` answers for with its own address. Any other name does not exist. */
export const outsideNames: readonly string[] = [
  "archive.ubuntu.com",
  "security.ubuntu.com",
  "ports.ubuntu.com",
  "images.maas.io",
  "archive.lab",
];

/** Hosts of the data centre know each other by name with and without it: MAAS takes no URL of a host without a dot. */
export const datacentreDomain = "datacentre.lab";

/** The row of a host, or undefined where the table has none. */
export function labHost(name: string): LabHost | undefined {
  return labHosts.find((host) => host.name === name);
}

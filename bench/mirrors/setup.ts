import { type DistantUpstream, distantUpstream } from "../distant-upstream.ts";
import { type Layout, publishArchive, suiteName, type UpstreamArchive } from "./upstream-archive.ts";

/** The packages that the tools need on the mirror host. */
export const installed = ["nginx", "reprepro", "gnupg", "xz-utils", "curl", "ca-certificates"];

/** A new mirror host, with latency between it and an archive. */
export interface Setup extends DistantUpstream {
  readonly layout: Layout;
  /** The published archive. */
  archive: UpstreamArchive;
  /** Publishes the next edition, in which one package has a new version. */
  publishNext(): Promise<void>;
}

/**
 * Boots the lab `name` on new disks and publishes the first edition, with a round trip of `roundTrip` ms to
 * the mirror host.
 */
export async function freshSetup(name: string, roundTrip: number): Promise<Setup> {
  const upstream = await distantUpstream(name, {
    roundTrip,
    published: "bench",
    installed,
  });
  const { lab } = upstream;
  let edition = 0;
  const setup: Setup = {
    ...upstream,
    layout: { suites: [suiteName], components: ["main"] },
    archive: await publishArchive(lab, edition),
    async publishNext() {
      edition++;
      setup.archive = await publishArchive(lab, edition);
    },
  };
  return setup;
}

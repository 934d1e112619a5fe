import { type DistantUpstream, distantUpstream } from "../distant-upstream.ts";
import { type Layout, publishArchive, suiteName, type UpstreamArchive } from "./upstream-archive.ts";

/** What every tool that is measured on the mirror host needs there. */
export const installed = ["nginx", "reprepro", "gnupg", "xz-utils", "curl", "ca-certificates"];

/** A mirror host with nothing on it, and an archive at some distance from it. */
export interface Setup extends DistantUpstream {
  readonly layout: Layout;
  /** What is published now. */
  archive: UpstreamArchive;
  /** Publishes the next edition: one package has a new version. */
  moveOn(): Promise<void>;
}

/** Boots the lab `name` anew with the first edition published, `roundTrip` ms away from the mirror host. */
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
    async moveOn() {
      edition++;
      setup.archive = await publishArchive(lab, edition);
    },
  };
  return setup;
}

import { type DistantUpstream, distantUpstream } from "../distant-upstream.ts";
import { publishArchive, type UpstreamArchive } from "./upstream-archive.ts";

/** A mirror host with nothing on it, and an archive at some distance from it. */
export interface Scene extends DistantUpstream {
  /** What is published now. */
  archive: UpstreamArchive;
  /** Publishes the next edition: one package has a new version. */
  moveOn(): Promise<void>;
}

/** Boots the lab `name` anew with the first edition published, `roundTrip` ms away from the mirror host. */
export async function freshScene(name: string, roundTrip: number): Promise<Scene> {
  const upstream = await distantUpstream(name, {
    roundTrip,
    published: "bench",
    installed: ["nginx", "reprepro", "gnupg", "xz-utils", "curl", "ca-certificates"],
  });
  const { lab } = upstream;
  let edition = 0;
  const scene: Scene = {
    ...upstream,
    archive: await publishArchive(lab, edition),
    async moveOn() {
      edition++;
      scene.archive = await publishArchive(lab, edition);
    },
  };
  return scene;
}

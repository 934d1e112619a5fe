import { scriptPart } from "../published-tree/script-part.ts";
import { type Place, publishJob, restoreJob, type TreeSettings } from "../published-tree/scripts.ts";

const kind = [scriptPart(import.meta.dirname, "images.sh")];

/** The job that publishes a tree of images; its input is the work list. */
export function publishScript(settings: TreeSettings): string {
  return publishJob(settings, kind);
}

/** The job that serves a kept snapshot again. */
export function restoreScript(
  settings: Place & Pick<TreeSettings, "keep" | "plan" | "summary">,
  tree: string,
): string {
  return restoreJob(settings, tree, kind);
}

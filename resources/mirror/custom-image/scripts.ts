import { sh } from "../../../hosts/shell.ts";
import { scriptPart } from "../published-tree/script-part.ts";
import { publishJob, type TreeSettings } from "../published-tree/scripts.ts";

const kind = scriptPart(import.meta.dirname, "custom-image.sh");

/** The job that publishes a custom image's stream; its input is the work list. */
export function publishScript(
  settings: TreeSettings,
  { directory, fingerprint }: { readonly directory: string; readonly fingerprint: string },
): string {
  return publishJob(settings, [sh`GNUPG=${directory} KEY=${fingerprint}`, kind]);
}

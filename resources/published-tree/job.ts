import { ExplainedError } from "../../errors/explained-error.ts";
import type { Scene } from "../kernel/definition.ts";

/**
 * Runs a job that publishes. Its lines that start with `progress ` are shown as it works, those that start with
 * `fault ` say what was wrong.
 *
 * @param remedy What to do about faults.
 * @throws ExplainedError with the faults, or with the end of the job's output where it names none
 */
export async function runJob(
  { id, host, progress }: Scene,
  script: string,
  { step, remedy }: { readonly step: string; readonly remedy: string },
  input?: Buffer,
): Promise<void> {
  const faults: string[] = [];
  const result = await host.job({
    name: id,
    script,
    ...(input ? { input } : {}),
    step,
    allowFailure: true,
    onProgress: (line) => {
      if (line.startsWith("progress ")) progress(line.slice("progress ".length));
      if (line.startsWith("fault ")) faults.push(line.slice("fault ".length));
    },
  });
  if (result.code === 0) return;
  throw new ExplainedError({
    host: host.name,
    step,
    found:
      faults.length > 0
        ? faults.join("\n    ")
        : `the job ended with status ${result.code}:\n    ${result.tail.slice(-8).join("\n    ")}`,
    remedy:
      faults.length > 0
        ? `What was served before is served unchanged. ${remedy}`
        : "What was served before is served unchanged. The lines above are the end of the job's output.",
  });
}

import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Job, JobResult } from "../../../hosts/host.ts";
import { remedyFor } from "../../../hosts/remedies.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { diskOf, diskTrouble, freeOn } from "./disk.ts";

interface JobTexts {
  readonly step: string;
  /** The remedy for faults of fetched files. */
  readonly remedy: string;
  /** The mirror's directory. */
  readonly directory: string;
}

/**
 * Runs a job that publishes. Its output lines have keywords: `progress ` is shown during the work, `step ` has an id
 * and describes what it does from then on, `published ` names the snapshot that is served from then on, `fault ` is an
 * error, and `remedy ` says what to do about it.
 *
 * @throws ExplainedError with the faults, or with the step and the last lines of its output if there are none; and
 * with the free space if it could not write any more.
 */
export async function runJob(
  { id, host, progress }: ResourceContext,
  script: string,
  { step, remedy, directory }: JobTexts,
  { input, secret }: Pick<Job, "input" | "secret"> = {},
): Promise<void> {
  const faults: string[] = [];
  let currentStep: { readonly id: string; readonly text: string } | undefined;
  let published: string | undefined;
  let advice: string | undefined;
  const result = await host.job({
    name: id,
    script,
    ...(input ? { input } : {}),
    ...(secret ? { secret } : {}),
    step,
    allowFailure: true,
    onProgress: (line) => {
      const [, kind, text = ""] = /^(progress|fault|step|published|remedy) (.*)$/.exec(line) ?? [];
      if (kind === "progress") progress(text);
      if (kind === "fault") faults.push(text);
      if (kind === "step") currentStep = { id: text.replace(/ .*/, ""), text: text.replace(/^\S+ /, "") };
      if (kind === "published") {
        published = text;
        progress(`published ${text}`);
      }
      if (kind === "remedy") advice = text;
    },
  });
  if (result.code === 0) return;
  const at = published ? "removing unused files" : (currentStep?.text ?? step);
  const output = faults.length > 0 ? faults.join("\n    ") : lastOutput(result, at);
  const full = diskTrouble.test(`${faults.join("\n")}\n${result.tail.join("\n")}`);
  const disk = full
    ? await host.facts(diskOf(directory)).then(
        (found) => `\n    ${freeOn(found)}, where ${directory} is`,
        () => "",
      )
    : "";
  const served = published
    ? `${published} is published and complete; only the cleanup was not finished.`
    : "The previous content is served unchanged.";
  const nextStep = full
    ? (remedyFor(output) ?? "Free space on that file system (`df -h`, `df -i`), then run the update again.")
    : currentStep?.id === "fetch" && !published
      ? (advice ?? remedy)
      : faults.length > 0 && !published
        ? "Fix the errors above, then run the update again."
        : "Run the update again. If it fails in the same way, see the lines above.";
  throw new ExplainedError({
    host: host.name,
    step: at === step ? step : `${step} (${at})`,
    found: `${output}${disk}`,
    remedy: `${served} ${nextStep}`,
  });
}

/** How a job without faults ended, with its output lines without keywords. */
function lastOutput({ code, tail }: JobResult, step: string): string {
  const lines = tail.filter((line) => !/^(progress|step|published) /.test(line)).slice(-8);
  const end =
    code > 128 ? `signal ${code - 128} ended the job` : `a command failed (the job's exit status is ${code})`;
  return [`${end} while ${step}${lines.length > 0 ? ":" : ", without output"}`, ...lines].join("\n    ");
}

import { ExplainedError } from "../../../errors/explained-error.ts";
import type { Job, JobResult } from "../../../hosts/host.ts";
import { remedyFor } from "../../../hosts/remedies.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { diskOf, diskTrouble, freeOn } from "./disk.ts";

interface JobTexts {
  readonly step: string;
  /** What to do about faults of what is fetched. */
  readonly remedy: string;
  /** The mirror's directory. */
  readonly directory: string;
}

/**
 * Runs a job that publishes. Of its lines, those that start with `progress ` are shown as it works, `step ` has an id and says what it
 * does from then on, `published ` names the snapshot that is served from then on, `fault ` what was wrong, and `remedy ` what to do about that.
 *
 * @throws ExplainedError with the faults, or with its step and the end of its output where it names none; and with what
 * is free where it could write no further
 */
export async function runJob(
  { id, host, progress }: ResourceContext,
  script: string,
  { step, remedy, directory }: JobTexts,
  { input, secret }: Pick<Job, "input" | "secret"> = {},
): Promise<void> {
  const faults: string[] = [];
  let doing: { readonly id: string; readonly text: string } | undefined;
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
      if (kind === "step") doing = { id: text.replace(/ .*/, ""), text: text.replace(/^\S+ /, "") };
      if (kind === "published") {
        published = text;
        progress(`published ${text}`);
      }
      if (kind === "remedy") advice = text;
    },
  });
  if (result.code === 0) return;
  const at = published ? "removing what no tree refers to" : (doing?.text ?? step);
  const said = faults.length > 0 ? faults.join("\n    ") : lastWords(result, at);
  const full = diskTrouble.test(`${faults.join("\n")}\n${result.tail.join("\n")}`);
  const disk = full
    ? await host.facts(diskOf(directory)).then(
        (found) => `\n    ${freeOn(found)}, where ${directory} is`,
        () => "",
      )
    : "";
  const served = published
    ? `${published} is published, and whole; what was left undone is tidying up.`
    : "What was served before is served unchanged.";
  const way = full
    ? (remedyFor(said) ?? "Free space on that file system (`df -h`, `df -i`), then run the update again.")
    : doing?.id === "fetch" && !published
      ? (advice ?? remedy)
      : faults.length > 0 && !published
        ? "Put right what is named above, then run the update again."
        : "Run the update again; if it ends like this once more, see the lines above.";
  throw new ExplainedError({
    host: host.name,
    step: at === step ? step : `${step} (${at})`,
    found: `${said}${disk}`,
    remedy: `${served} ${way}`,
  });
}

/** How a job ended that named no fault, and what it said that was not meant for us. */
function lastWords({ code, tail }: JobResult, doing: string): string {
  const words = tail.filter((line) => !/^(progress|step|published) /.test(line)).slice(-8);
  const end =
    code > 128 ? `signal ${code - 128} ended the job` : `a command failed (the job's exit status is ${code})`;
  return [`${end} while ${doing}${words.length > 0 ? ":" : ", and nothing was said"}`, ...words].join(
    "\n    ",
  );
}

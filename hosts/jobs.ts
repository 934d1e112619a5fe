import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { ExplainedError } from "../errors/explained-error.ts";
import { digestOf } from "../values/digest.ts";
import type { Host, Job, JobResult } from "./host.ts";
import { remedyFor } from "./remedies.ts";
import { sh } from "./shell.ts";
import { Unreachable } from "./unreachable.ts";

/** Milliseconds without contact after which following a job fails. */
const noContactTimeoutMs = 300_000;
const tailLines = 50;

/**
 * A job is a transient unit that runs a small wrapper in /run/airgapped-maas/jobs/NAME/RUN. Its log and, when it has
 * ended, its exit status are in the same directory. The caller chooses RUN at random, so that a retry after a lost
 * connection finds the same run, even if it has ended meanwhile. All of it is in memory: a reboot ends the job and
 * removes its files.
 */
export async function runJob(host: Host, job: Job): Promise<JobResult> {
  if (!/^[\w.-]+$/.test(job.name)) throw new TypeError(`${job.name} is not a valid name of a job`);
  const step = job.step ?? `running the job ${job.name}`;
  const run = `run-${randomBytes(8).toString("hex")}`;
  const start = startScript(job, run);
  for (;;) {
    const { stdout } = await retryWhileUnreachable(() =>
      host.run(start, { input: job.input ?? "", step: `starting the job ${job.name}` }),
    );
    const [state, current = run] = stdout.trim().split(" ");
    if (state === "busy") {
      job.onProgress?.(`waiting for another ${job.name} that runs on ${host.name}`);
      await follow(host, { name: job.name }, current, step);
      continue;
    }
    const { code, tail } = await follow(host, job, current, step);
    if (code !== 0 && !job.allowFailure) {
      const lastOutput = tail.slice(-8).join("\n");
      throw new ExplainedError({
        host: host.name,
        step,
        found: `exit status ${code}${lastOutput && `: ${lastOutput}`}`,
        remedy: remedyFor(lastOutput) ?? "Fix what it reports, then run this again.",
      });
    }
    return { code, tail, attached: current !== run };
  }
}

/** Reads a run's log from start to end. It reconnects as often as necessary. */
async function follow(
  host: Host,
  { name, onProgress }: Pick<Job, "name" | "onProgress">,
  run: string,
  step: string,
): Promise<{ code: number; tail: string[] }> {
  const tail: string[] = [];
  let seen = 0;
  try {
    const { stderr } = await retryWhileUnreachable(() =>
      host.run(followScript(name, run, seen + 1), {
        step,
        onOutput: (line, stream) => {
          if (stream !== "stdout") return;
          seen++;
          tail.push(line);
          if (tail.length > tailLines) tail.shift();
          onProgress?.(line);
        },
      }),
    );
    const status = /^status (\d+)$/m.exec(stderr)?.[1];
    if (status !== undefined) return { code: Number(status), tail };
    throw new ExplainedError({
      host: host.name,
      step,
      found: `it was ended by a stop or a reboot${tail.length > 0 ? `; its last output: ${tail.slice(-3).join("\n")}` : ""}`,
      remedy: "Run this again; it continues where it stopped.",
    });
  } catch (error) {
    if (error instanceof Unreachable) {
      throw new Unreachable({
        ...error.explanation,
        found: `${error.explanation.found}. The job itself continues`,
        remedy: "Run this again once the host can be reached: it attaches to the job.",
      });
    }
    throw error;
  }
}

/** Retries until the host has been unreachable for five minutes. Only for attempts that may be repeated. */
async function retryWhileUnreachable<T>(attempt: () => Promise<T>): Promise<T> {
  let lastContact = Date.now();
  for (let delay = 250; ; delay = Math.min(delay * 2, 10_000)) {
    const began = Date.now();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      // A long attempt had contact for most of its time.
      if (Date.now() - began > 30_000) {
        lastContact = Date.now();
        delay = 250;
      }
      if (Date.now() - lastContact > noContactTimeoutMs) throw error;
      await pause(delay * (0.75 + Math.random() / 2));
    }
  }
}

function unitOf(name: string): string {
  return `airgapped-maas-${name}.service`;
}

function folderOf(name: string): string {
  return `/run/airgapped-maas/jobs/${name}`;
}

/** Runs the script of a job in its unit, and writes its log and exit status to the same directory. */
export const jobWrapper = `export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
export JOB_INPUT="$PWD/input" JOB_SECRET="$PWD/secret"
umask 022
(cd / && exec sh "$OLDPWD/script") </dev/null >>log 2>&1
echo $? > status.new
mv status.new status
rm -f script input secret*
`;

function startScript({ name, script, input, secret }: Job, run: string): string {
  const digest = digestOf(
    JSON.stringify([script, input?.toString("base64"), ...(secret === undefined ? [] : [secret])]),
  );
  return `set -eu
umask 077
mkdir -p ${folderOf(name)}
cd ${folderOf(name)}
exec 9>>lock
flock 9
current=; digest=
if [ -e current ]; then read -r current digest < ./current; fi
if [ "$current" = ${run} ]; then echo "started ${run}"; exit; fi
if systemctl is-active --quiet ${sh`${unitOf(name)}`}; then
  if [ "$digest" = ${digest} ]; then echo "attached $current"; else echo "busy $current"; fi
  exit
fi
for old in run-*; do
  if [ "$old" != "$current" ]; then rm -rf -- "$old"; fi
done
mkdir ${run}
printf %s ${sh`${script}`} > ${run}/script
printf %s ${sh`${jobWrapper}`} > ${run}/wrapper
: > ${run}/log
cat > ${run}/input
# Written last, and removed if the job does not start.
trap 'rm -f ${run}/secret' EXIT
trap 'exit 1' HUP INT TERM
printf %s ${sh`${secret ?? ""}`} > ${run}/secret
systemctl reset-failed ${sh`${unitOf(name)}`} 2>/dev/null || true
systemd-run --quiet --collect --unit=${sh`${unitOf(name)}`} --description=${sh`${`airgapped-maas job ${name}`}`} --working-directory=${folderOf(name)}/${run} --property=ExecStopPost=${sh`${`-/bin/sh -c "rm -f ${folderOf(name)}/${run}/secret*"`}`} /bin/sh wrapper >&2
trap - EXIT
echo ${run} ${digest} > current.new
mv current.new current
echo "started ${run}"
`;
}

/** Prints the log, from a given line until the run ends, then its status on standard error. */
function followScript(name: string, run: string, fromLine: number): string {
  const unit = sh`${unitOf(name)}`;
  return `cd ${folderOf(name)}/${run} 2>/dev/null || exit 0
read -r current rest < ../current
pid=0
[ "$current" != ${run} ] || [ -e status ] || pid=$(systemctl show --property=MainPID --value ${unit})
if [ "$pid" != 0 ]; then
  tail -n +${fromLine} -f -s 0.2 --pid="$pid" log
else
  tail -n +${fromLine} log
fi
if [ -e status ]; then read -r status < ./status; echo "status $status" >&2; fi
`;
}

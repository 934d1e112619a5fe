import { randomBytes } from "node:crypto";
import { ExplainedError } from "../errors/explained-error.ts";
import type { Probe, RunResult } from "./host.ts";
import { remedyFor } from "./remedies.ts";
import { quote } from "./shell.ts";

/** The result of one probe's script. */
interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Several probes as one script, and how to split its output. */
interface FactScript {
  readonly script: string;
  /** One answer for each script, in order; undefined for scripts that did not run. */
  split(result: Pick<RunResult, "stdout" | "stderr">): (Answer | undefined)[];
}

/**
 * Combines probes into one script. Each runs in a separate subshell, and an unguessable line follows on both outputs.
 * Nothing is written to disk, so it works on a full and on a read-only one.
 */
export function factScript(scripts: readonly string[], nonce = randomBytes(12).toString("hex")): FactScript {
  const parts = scripts.map(
    (script) =>
      `( eval ${quote(script)} ) </dev/null\n_code=$?\nprintf '\\n${nonce} %s\\n' $_code\nprintf '\\n${nonce}\\n' >&2\n`,
  );
  return {
    script: parts.join(""),
    split({ stdout, stderr }) {
      const outputs = stdout.split(new RegExp(`\\n${nonce} (\\d+)\\n`));
      const errors = stderr.split(`\n${nonce}\n`);
      return scripts.map((_, index) => {
        const output = outputs[index * 2];
        const code = outputs[index * 2 + 1];
        if (output === undefined || code === undefined) return undefined;
        return { code: Number(code), stdout: output, stderr: errors[index] ?? "" };
      });
    },
  };
}

interface PendingProbe {
  readonly probe: Probe<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Milliseconds to wait for more probes after the last one: related calls arrive one by one. */
const collectMs = 5;
/** Milliseconds a batch waits for the one before it, so that it can collect more probes. */
const maximumWaitMs = 500;

/** Collects the probes for one host and sends them together. */
export class FactBatches {
  readonly #host: string;
  readonly #ready: () => Promise<unknown>;
  readonly #run: (script: string) => Promise<RunResult>;
  #pending: PendingProbe[] = [];
  #sending = 0;
  #collectTimer: NodeJS.Timeout | undefined;
  #maximumWaitTimer: NodeJS.Timeout | undefined;
  #waitsForConnection = false;

  /**
   * @param ready Resolves once a connection is open. Probes requested until then go into the first batch.
   * @param run Runs a script on the host. It does not throw for a non-zero exit.
   */
  constructor(host: string, ready: () => Promise<unknown>, run: (script: string) => Promise<RunResult>) {
    this.#host = host;
    this.#ready = ready;
    this.#run = run;
  }

  ask<T>(probe: Probe<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ probe, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#waitsForConnection) return;
    if (this.#sending > 0) {
      this.#maximumWaitTimer ??= setTimeout(() => this.#send(), maximumWaitMs);
      return;
    }
    clearTimeout(this.#collectTimer);
    this.#collectTimer = setTimeout(async () => {
      this.#waitsForConnection = true;
      // The run that follows reports why there is no connection.
      await this.#ready().catch(() => {});
      this.#waitsForConnection = false;
      await this.#send();
    }, collectMs);
  }

  async #send(): Promise<void> {
    clearTimeout(this.#collectTimer);
    clearTimeout(this.#maximumWaitTimer);
    this.#maximumWaitTimer = undefined;
    const pending = this.#pending;
    this.#pending = [];
    if (pending.length === 0) return;
    this.#sending++;
    try {
      const scripts = [...new Set(pending.map(({ probe }) => probe.script))];
      const facts = factScript(scripts);
      const answers = facts.split(await this.#run(facts.script));
      for (const { probe, resolve, reject } of pending) {
        try {
          resolve(this.#read(probe, answers[scripts.indexOf(probe.script)]));
        } catch (error) {
          reject(error);
        }
      }
    } catch (error) {
      for (const { reject } of pending) reject(error);
    } finally {
      this.#sending--;
      if (this.#pending.length > 0 && this.#sending === 0) this.#schedule();
    }
  }

  #read<T>(probe: Probe<T>, answer: Answer | undefined): T {
    if (answer?.code === 0) return probe.parse(answer.stdout);
    const output = answer?.stderr.trim().split("\n").slice(-5).join("\n") ?? "";
    throw new ExplainedError({
      host: this.#host,
      step: "reading its state",
      found: answer
        ? `exit status ${answer.code}${output && `: ${output}`}`
        : "the host stopped before this was read",
      remedy: remedyFor(output) ?? "Fix what it reports, then run this again.",
    });
  }
}

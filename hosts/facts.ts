import { randomBytes } from "node:crypto";
import { ExplainedError } from "../errors/explained-error.ts";
import type { Probe, RunResult } from "./host.ts";
import { remedyFor } from "./remedies.ts";
import { quote } from "./shell.ts";

/** What one probe's script did. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Several probes as one script, and how to take its output apart again. */
export interface FactScript {
  readonly script: string;
  /** One answer for each script, in order; undefined for those that the host never came to. */
  split(result: Pick<RunResult, "stdout" | "stderr">): (Answer | undefined)[];
}

/**
 * Puts probes into one script, each in a subshell of its own, an unguessable line after each on both outputs.
 * Nothing is written anywhere, so it works on a full disk and on a read-only one.
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

interface Asked {
  readonly probe: Probe<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Milliseconds to wait for more probes after the last one: calls that belong together arrive one by one. */
const quietMs = 5;
/** Milliseconds a batch waits for the one before it, so that late-comers travel together too. */
const behindMs = 500;

/** Collects the probes asked of one host and sends them together. */
export class FactBatches {
  readonly #host: string;
  readonly #ready: () => Promise<unknown>;
  readonly #run: (script: string) => Promise<RunResult>;
  #asked: Asked[] = [];
  #sending = 0;
  #quiet: NodeJS.Timeout | undefined;
  #behind: NodeJS.Timeout | undefined;
  #waitsForConnection = false;

  /**
   * @param ready resolves once a connection is there: what is asked until then goes into the first batch
   * @param run runs a script on the host, whatever it exits with
   */
  constructor(host: string, ready: () => Promise<unknown>, run: (script: string) => Promise<RunResult>) {
    this.#host = host;
    this.#ready = ready;
    this.#run = run;
  }

  ask<T>(probe: Probe<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#asked.push({ probe, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#waitsForConnection) return;
    if (this.#sending > 0) {
      this.#behind ??= setTimeout(() => this.#send(), behindMs);
      return;
    }
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(async () => {
      this.#waitsForConnection = true;
      // Why there is no connection is said by the run that follows.
      await this.#ready().catch(() => {});
      this.#waitsForConnection = false;
      await this.#send();
    }, quietMs);
  }

  async #send(): Promise<void> {
    clearTimeout(this.#quiet);
    clearTimeout(this.#behind);
    this.#behind = undefined;
    const asked = this.#asked;
    this.#asked = [];
    if (asked.length === 0) return;
    this.#sending++;
    try {
      const scripts = [...new Set(asked.map(({ probe }) => probe.script))];
      const facts = factScript(scripts);
      const answers = facts.split(await this.#run(facts.script));
      for (const { probe, resolve, reject } of asked) {
        try {
          resolve(this.#read(probe, answers[scripts.indexOf(probe.script)]));
        } catch (error) {
          reject(error);
        }
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    } finally {
      this.#sending--;
      if (this.#asked.length > 0 && this.#sending === 0) this.#schedule();
    }
  }

  #read<T>(probe: Probe<T>, answer: Answer | undefined): T {
    if (answer?.code === 0) return probe.parse(answer.stdout);
    const said = answer?.stderr.trim().split("\n").slice(-5).join("\n") ?? "";
    throw new ExplainedError({
      host: this.#host,
      step: "reading its state",
      found: answer
        ? `exit status ${answer.code}${said && `: ${said}`}`
        : "the host stopped before this was read",
      remedy: remedyFor(said) ?? "Put right what it reports, then run this again.",
    });
  }
}

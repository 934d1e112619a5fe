import { spawn } from "node:child_process";
import { ExplainedError } from "../errors/explained-error.ts";

/** How a command ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Kill it after so many milliseconds; the code is then 124. */
  readonly timeout?: number;
}

/** Runs a program of this machine to its end, whatever its exit code. */
export function tryCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return tryCommandBytes(argv, options).then(({ code, stdout, stderr }) => ({
    code,
    stdout: stdout.toString("utf8"),
    stderr,
  }));
}

/** Like `tryCommand`, for output that is not text. */
export function tryCommandBytes(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<{ code: number; stdout: Buffer; stderr: string }> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: "C.UTF-8", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let late = false;
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            child.kill("SIGKILL");
          }, options.timeout);
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", reject);
    child.stdin.on("error", () => {}); // a program may end without reading its input
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({
        code: late ? 124 : (code ?? 137),
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString("utf8"),
      });
    });
    child.stdin.end(options.input);
  });
}

/** Runs a program of this machine and returns what it printed. Throws an ExplainedError when it fails. */
export async function command(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(argv, options);
  if (code !== 0) {
    throw new ExplainedError({
      step: `running ${argv.join(" ").slice(0, 300)}`,
      found: `exit code ${code}: ${(stderr || stdout).trim().slice(-1500)}`,
      remedy: "See what the command says; the lab needs root on Debian 12.",
    });
  }
  return stdout;
}

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
  /** Timeout in milliseconds. The command is then killed, and the exit code is 124. */
  readonly timeout?: number;
}

/** Runs a program on this machine until it ends. Does not throw if its exit code is not 0. */
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

/** Runs a program on this machine and returns its output. Throws an ExplainedError if it fails. */
export async function command(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(argv, options);
  if (code !== 0) {
    throw new ExplainedError({
      step: `running ${argv.join(" ").slice(0, 300)}`,
      found: `exit code ${code}: ${(stderr || stdout).trim().slice(-1500)}`,
      remedy: "Read the output of the command. The lab needs root on Debian 12.",
    });
  }
  return stdout;
}

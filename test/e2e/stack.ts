import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../../lab/lab.ts";
import { repository } from "../../lab/paths.ts";

/** The engine's step for one resource, done or planned. */
interface Step {
  /** `create`, `update`, `replace`, `delete`, `create-replacement`, `delete-replaced` ... */
  readonly op: string;
  /** e.g. `Files`, `AptMirror`, `Command`. */
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** Paths of the properties that differ, e.g. `files["/etc/x"].content`. */
  readonly differs: readonly string[];
}

/** How a run of the CLI ended. */
export interface Run {
  readonly code: number;
  /** Its complete output, including errors. */
  readonly output: string;
  /**
   * The number of resources by step, done or planned: `{ same: 7, update: 1 }`. Empty if the run failed
   * before.
   */
  readonly counts: Readonly<Record<string, number>>;
  /** The steps, done or planned, without unchanged resources and without reads of hosts. */
  readonly steps: readonly Step[];
  readonly seconds: number;
}

/** The passphrase that encrypts the secrets of stacks. */
export const passphrase = "a passphrase of the tests";

/** A run that has not ended yet. */
export interface Running {
  /**
   * The leader of a process group: `process.kill(-child.pid, "SIGKILL")` kills the CLI and all its child
   * processes.
   */
  readonly child: ChildProcess;
  readonly done: Promise<Run>;
  /** Its output so far. */
  output(): string;
}

interface StackOptions {
  /** Default: `e2e`. */
  readonly name?: string;
  /** Directory of the Pulumi project. Default: the repository. */
  readonly project?: string;
  /** The directory of states. Default: a folder of this stack. */
  readonly backend?: string;
  /** The workstation's cache. Default: a folder of this stack. */
  readonly cache?: string;
  /** Additional environment variables of the CLI. */
  readonly env?: Readonly<Record<string, string>>;
}

// biome-ignore lint/suspicious/noExplicitAny: the program checks the stack file
export type Values = Record<string, any>;

/**
 * A stack of the real CLI with a separate state, configuration file and cache. It leaves no file in the repository.
 */
export class Stack {
  readonly name: string;
  readonly folder: string;
  readonly configFile: string;
  readonly backend: string;
  readonly cache: string;
  readonly #project: string;
  readonly #env: Readonly<Record<string, string>>;
  #runs = 0;

  private constructor(options: StackOptions) {
    this.name = options.name ?? "e2e";
    this.folder = mkdtempSync(join(tmpdir(), "airgapped-maas-e2e-"));
    this.#project = options.project ?? repository;
    this.backend = options.backend ?? join(this.folder, "state");
    this.cache = options.cache ?? join(this.folder, "cache");
    this.configFile = join(this.folder, `Pulumi.${this.name}.yaml`);
    this.#env = options.env ?? {};
    mkdirSync(this.backend, { recursive: true });
  }

  static async create(options: StackOptions = {}): Promise<Stack> {
    const stack = new Stack(options);
    // The CLI writes a new stack's file beside Pulumi.yaml, so the stack's folder has a Pulumi.yaml.
    const project = readFileSync(join(stack.#project, "Pulumi.yaml"), "utf8");
    writeFileSync(
      join(stack.folder, "Pulumi.yaml"),
      `${project.match(/^name: .*$/m)?.[0]}\nruntime: nodejs\n`,
    );
    await stack.ok(["stack", "init", "--no-select", stack.name, "--cwd", stack.folder]);
    return stack;
  }

  /**
   * Replaces the stack file. `text` is the YAML below `config:`, indented by two; objects are written as
   * JSON.
   */
  configure(values: Values | string): void {
    const salt = readFileSync(this.configFile, "utf8").match(/^encryptionsalt: .*$/m)?.[0] ?? "";
    const text =
      typeof values === "string"
        ? values
        : Object.entries(values)
            .map(([key, value]) => `  airgapped-maas:${key}: ${JSON.stringify(value)}\n`)
            .join("");
    writeFileSync(this.configFile, `config:\n${text}${salt}\n`);
  }

  preview(...more: string[]): Promise<Run> {
    return this.#operate("preview", more);
  }
  /** `up` without a preview before it. Tests use `preview` for that. */
  up(...more: string[]): Promise<Run> {
    return this.#operate("up", ["--yes", "--skip-preview", ...more]);
  }
  refresh(...more: string[]): Promise<Run> {
    return this.#operate("refresh", ["--yes", "--skip-preview", ...more]);
  }
  destroy(...more: string[]): Promise<Run> {
    return this.#operate("destroy", ["--yes", "--skip-preview", ...more]);
  }
  #operate(command: string, more: readonly string[]): Promise<Run> {
    return this.start(command, ...more).done;
  }

  /** Starts `preview`, `up` ... and returns at once. `up` needs `--yes` and `--skip-preview` here. */
  start(command: string, ...more: string[]): Running {
    const events = join(this.folder, `events-${++this.#runs}.jsonl`);
    const settings = ["--stack", this.name, "--config-file", this.configFile, "--event-log", events];
    return this.#spawn([command, ...settings, "--non-interactive", ...more], events);
  }

  /** Any other command of the CLI, e.g. `["stack", "export", "--stack", stack.name]`. */
  run(argv: readonly string[]): Promise<Run> {
    return this.#spawn(argv, undefined).done;
  }

  /** The same, but throws if it fails. */
  async ok(argv: readonly string[]): Promise<string> {
    const { code, output } = await this.run(argv);
    if (code !== 0) throw new Error(`pulumi ${argv.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  /** The stack's outputs, including secrets. */
  async outputs(): Promise<Values> {
    return JSON.parse(await this.ok(["stack", "output", "--json", "--show-secrets", "--stack", this.name]));
  }

  /** The state as stored on disk, with encrypted secrets. */
  state(): string {
    return readFileSync(join(this.backend, ".pulumi/stacks/airgapped-maas", `${this.name}.json`), "utf8");
  }

  /** Deletes this stack's files on the workstation. `destroy` removes its things on hosts. */
  discard(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(argv: readonly string[], events: string | undefined): Running {
    const started = Date.now();
    const child = spawn(
      join(repository, "toolchain/with-environment"),
      ["pulumi", "--color", "never", ...argv],
      {
        cwd: this.#project,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          PULUMI_BACKEND_URL: `file://${this.backend}`,
          PULUMI_CONFIG_PASSPHRASE: passphrase,
          // Options that the event log needs.
          PULUMI_DEBUG_COMMANDS: "true",
          XDG_CACHE_HOME: this.cache,
          // A command of the CLI is short, and the tests run hundreds of them.
          GOGC: "off",
          ...this.#env,
        },
      },
    );
    let output = "";
    const take = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    const done = new Promise<Run>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) =>
        resolve({
          code: code ?? (signal ? 137 : 1),
          output,
          seconds: (Date.now() - started) / 1000,
          ...(events ? readEvents(events) : { counts: {}, steps: [] }),
        }),
      );
    });
    return { child, done, output: () => output };
  }
}

/** Expects that a run succeeded. If not, the error has the CLI's output. */
export function succeeded(run: Run): Run {
  if (run.code === 0) return run;
  const diagnostics = run.output.slice(Math.max(0, run.output.indexOf("\nDiagnostics:")));
  throw new Error(`The CLI ended with ${run.code}:\n${diagnostics.slice(0, 5000)}`);
}

/** The site of a lab: its ssh configuration, and mirrors by name, each with the lab's archive as upstream. */
export function labSite(lab: Lab, mirrors: Values, more: Values = {}): Values {
  const defaults = {
    host: "mirror",
    upstream: { url: "http://archive.ubuntu.com/ubuntu", key: join(repository, ".lab/keys/ubuntu.asc") },
    suites: ["noble", "noble-updates", "noble-security"],
    // The name that clients use. They are not connected to `outside`.
    serve: { address: "mirror" },
  };
  return {
    sshConfig: lab.paths.sshConfig,
    aptMirrors: Object.fromEntries(
      Object.entries(mirrors).map(([name, mirror]) => [
        name,
        { ...defaults, ...mirror, serve: { ...defaults.serve, ...mirror.serve } },
      ]),
    ),
    ...more,
  };
}

function readEvents(file: string): Pick<Run, "counts" | "steps"> {
  let counts: Record<string, number> = {};
  const steps: Step[] = [];
  let lines: string[];
  try {
    lines = readFileSync(file, "utf8").split("\n");
  } catch {
    return { counts, steps };
  }
  for (const line of lines) {
    let event: Values;
    try {
      event = JSON.parse(line);
    } catch {
      continue; // a killed CLI may leave an incomplete line
    }
    if (event.summaryEvent) counts = event.summaryEvent.resourceChanges ?? {};
    const step = event.resourcePreEvent?.metadata;
    // The reads of hosts come first and are not changes. A new configuration of the provider is not a change
    // either.
    if (!step || step.op === "same" || step.op === "refresh" || step.type.startsWith("pulumi:providers:"))
      continue;
    steps.push({
      op: step.op,
      type: step.type.split(/[:/]/).at(-1),
      name: step.urn.split("::").at(-1),
      urn: step.urn,
      differs: Object.keys(step.detailedDiff ?? {}),
    });
  }
  return { counts, steps };
}

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, tryCommand } from "../lab/command.ts";
import { repository } from "../lab/paths.ts";
import { type Seconds, timed } from "./measurement.ts";
import { markName } from "./memory.ts";

/** A stack of a bench's own: its state in a directory, its program one file of this repository. */
interface BenchStack {
  /** Runs the CLI on the stack and says how long that took. Throws where it fails. */
  timed(...args: string[]): Promise<Seconds>;
  /** What the CLI said last, for looking at where time went. */
  readonly directory: string;
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
  /** The value of an output of the stack. */
  output(name: string): Promise<unknown>;
}

/**
 * Makes a project in an empty directory. The project has the repository's name, since the provider reads
 * its settings under that, and sees its `resources/`, from where the state's text loads the code.
 */
export async function benchStack(directory: string, program: string): Promise<BenchStack> {
  const state = join(directory, "state");
  const project = join(directory, "project");
  mkdirSync(state, { recursive: true });
  mkdirSync(project);
  for (const name of ["resources", "node_modules", "package.json"])
    symlinkSync(join(repository, name), join(project, name));
  writeFileSync(join(project, "main.ts"), `export * from ${JSON.stringify(program)};\n`);
  const settings = readFileSync(join(repository, "Pulumi.yaml"), "utf8");
  writeFileSync(join(project, "Pulumi.yaml"), settings.replace(/^main: .*$/m, "main: main.ts"));
  const options = {
    cwd: project,
    env: {
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      // What other runs have learnt of upstream is not known to this one.
      XDG_CACHE_HOME: join(directory, "cache"),
      [markName]: directory,
    },
  };
  const pulumi = ["pulumi", "--non-interactive", "--color", "never"];
  await command([...pulumi, "stack", "init", "bench"], options);
  return {
    directory,
    timed: (...args) => timed([...pulumi, ...args], options),
    async configure(settings) {
      const pairs = Object.entries(settings).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
      await command([...pulumi, "config", "set-all", ...pairs], options);
    },
    async output(name) {
      const { stdout } = await tryCommand([...pulumi, "stack", "output", "--json", name], options);
      return JSON.parse(stdout);
    },
  };
}

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, tryCommand } from "../lab/command.ts";
import { repository } from "../lab/paths.ts";
import { type Seconds, timed } from "./measurement.ts";
import { markName } from "./memory.ts";

/** A stack of the bench. Its state is in a directory, its program is a file of this repository. */
interface BenchStack {
  /** Runs the CLI on the stack and returns how long it took. Throws if it fails. */
  timed(...args: string[]): Promise<Seconds>;
  /** The last output of the CLI, to find out what took the time. */
  readonly directory: string;
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
  /** The value of an output of the stack. */
  output(name: string): Promise<unknown>;
}

/**
 * Makes a project in an empty directory. It has the repository's name, because the provider reads its settings under
 * that name. It has a link to the repository's `resources/`, because the state loads the code from there.
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
      // The metadata cache of other runs is not used.
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

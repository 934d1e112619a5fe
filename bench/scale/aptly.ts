import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../lab/command.ts";
import { timed } from "../measurement.ts";
import { markName } from "../memory.ts";
import { type Contestant, sums } from "../mirrors/contestants.ts";
import type { Setup } from "../mirrors/setup.ts";

/**
 * aptly, on the mirror host's network, with the machine's programs and disk. It has a mirror for each index, a snapshot
 * of each mirror, and one publication for each suite. It does not sign.
 */
export async function aptly(setup: Setup): Promise<Contestant> {
  const directory = join(setup.directory, "aptly");
  mkdirSync(directory);
  const settings = join(directory, "aptly.conf");
  writeFileSync(
    settings,
    JSON.stringify({ rootDir: directory, architectures: ["amd64"], skipContentsPublishing: true }),
  );
  const keyring = join(directory, "keyring.gpg");
  await command(["gpg", "--dearmor", "--yes", "--output", keyring, setup.archive.key.publicFile]);
  const options = { env: { HOME: directory, [markName]: directory } };
  const program = ["nsenter", `--target=${setup.mirrorProcess}`, "--net", "aptly", `-config=${settings}`];
  const { suites, components } = setup.layout;
  const indices = suites.flatMap((suite) =>
    components.map((component) => ({ suite, component, name: `${suite}-${component}` })),
  );
  for (const { suite, component, name } of indices) {
    await command(
      [...program, "mirror", "create", `-keyring=${keyring}`, name, setup.url, suite, component],
      options,
    );
  }
  let edition = 0;
  return {
    mark: directory,
    async sync() {
      let seconds = 0;
      const run = async (...args: string[]) => {
        seconds += await timed([...program, ...args], options);
      };
      edition++;
      for (const { name } of indices) {
        await run("mirror", "update", `-keyring=${keyring}`, name);
        await run("snapshot", "create", `${name}-${edition}`, "from", "mirror", name);
      }
      for (const suite of suites) {
        const snapshots = components.map((component) => `${suite}-${component}-${edition}`);
        const common = ["-skip-signing", `-component=${components.join(",")}`];
        if (edition === 1)
          await run("publish", "snapshot", ...common, `-distribution=${suite}`, ...snapshots);
        else await run("publish", "switch", ...common, suite, ...snapshots);
      }
      return seconds;
    },
    async check() {
      await command(["sha256sum", "--check", "--quiet"], {
        cwd: join(directory, "public"),
        input: sums(setup),
      });
    },
  };
}

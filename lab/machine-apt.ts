import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ExplainedError } from "../errors/explained-error.ts";
import { command } from "./command.ts";

/**
 * The apt sources of this machine for its Debian release, as deb822 text, with source packages added. The lab
 * downloads only from the sources that the machine uses.
 */
export function machineSources(): string {
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  const suites = new Set([release, `${release}-updates`, `${release}-security`]);
  const stanzas: string[] = [];
  for (const file of sourceFiles()) {
    const text = readFileSync(file, "utf8").replace(/^\s*#.*\n/gm, "");
    if (file.endsWith(".sources")) {
      for (const stanza of text.split(/\n\s*\n/)) {
        const named = /^Suites:(.*)$/m.exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
        if (named.some((suite) => suites.has(suite))) {
          stanzas.push(stanza.trim().replace(/^Types:.*$/m, "Types: deb deb-src"));
        }
      }
    } else {
      for (const line of text.split("\n")) {
        const [, options = "", uri, suite = "", components] =
          /^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line) ?? [];
        if (!suites.has(suite)) continue;
        const key = /signed-by=(\S+)/.exec(options)?.[1];
        stanzas.push(
          [
            "Types: deb deb-src",
            `URIs: ${uri}`,
            `Suites: ${suite}`,
            `Components: ${components}`,
            ...(key ? [`Signed-By: ${key}`] : []),
          ].join("\n"),
        );
      }
    }
  }
  if (stanzas.length === 0) {
    throw new ExplainedError({
      step: "reading this machine's apt sources",
      found: `no source of the suites ${[...suites].join(", ")}`,
      remedy: "Run the lab on Debian, with its package sources in /etc/apt/sources.list or sources.list.d.",
    });
  }
  return `${stanzas.join("\n\n")}\n`;
}

function sourceFiles(): string[] {
  const parts = "/etc/apt/sources.list.d";
  const files = readdirSync(parts)
    .filter((name) => /\.(sources|list)$/.test(name))
    .map((name) => join(parts, name));
  try {
    readFileSync("/etc/apt/sources.list");
    files.unshift("/etc/apt/sources.list");
  } catch {
    // Newer Debian does not have it.
  }
  return files;
}

/** A separate apt that downloads for amd64 and arm64 from the machine's sources and installs nothing. */
export interface DownloadingApt {
  readonly archives: string;
  run(argv: readonly string[], cwd?: string): Promise<string>;
}

/**
 * Sets up such an apt in a directory and updates its lists. Its package status is empty, so it fetches the
 * complete dependency closure of a list of packages.
 */
export async function downloadingApt(directory: string): Promise<DownloadingApt> {
  const archives = join(directory, "cache", "archives");
  for (const part of ["state/lists/partial", "cache/archives/partial", "etc"]) {
    mkdirSync(join(directory, part), { recursive: true });
  }
  writeFileSync(join(directory, "status"), "");
  writeFileSync(join(directory, "etc", "machine.sources"), machineSources());
  const configuration = join(directory, "apt.conf");
  writeFileSync(
    configuration,
    `Dir::State "${directory}/state";
Dir::State::status "${directory}/status";
Dir::Cache "${directory}/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "${directory}/etc";
Dir::Etc::preferencesparts "/dev/null";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
`,
  );
  const run = (argv: readonly string[], cwd = archives) =>
    command(argv, { cwd, env: { APT_CONFIG: configuration, DEBIAN_FRONTEND: "noninteractive" } });
  await run(["apt-get", "-q", "update"]);
  return { archives, run };
}

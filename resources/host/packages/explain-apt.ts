import { ExplainedError } from "../../../errors/explained-error.ts";

/**
 * Explains a failed apt run, with a remedy.
 *
 * @param lines The last lines of its output, in the C locale.
 */
export function explainApt(lines: readonly string[], step: string): ExplainedError {
  const text = lines.join("\n");
  for (const [pattern, explain] of explanations) {
    const match = pattern.exec(text);
    if (match) return new ExplainedError({ step, ...explain(match, lines) });
  }
  const errors = lines.filter((line) => /^(E:|dpkg: error)/.test(line));
  const output = (errors.length > 0 ? errors : lines).slice(-5).join("\n");
  return new ExplainedError({
    step,
    found: output || "it failed without output",
    remedy: "Fix what apt reports (see /var/log/apt/term.log on the host), then run the update again.",
  });
}

type Explain = (match: RegExpExecArray, lines: readonly string[]) => { found: string; remedy: string };

/** In order: root causes come first. Texts of apt 2.4 to 2.9 and dpkg 1.21 to 1.22. */
const explanations: readonly (readonly [RegExp, Explain])[] = [
  [
    /(?:E: Could not get lock \S+ It is held by process (\d+)(?: \(([^)]*)\))?)|locked by another process with pid (\d+)/,
    ([, pid, name, other]) => ({
      found: `process ${pid ?? other}${name ? ` (${name})` : ""} on the host has held apt's or dpkg's lock for 5 minutes`,
      remedy: "Let it finish, or end it if it hangs, then run the update again.",
    }),
  ],
  [
    /No space left on device|You don't have enough free space in (\S+)/,
    ([, where]) => ({
      found: `no space left${where ? ` in ${where.replace(/\.$/, "")}` : " on the host's disk"}`,
      remedy:
        "Free space there (`apt-get clean` may be enough), then run the update again; it continues where it stopped.",
    }),
  ],
  [
    /Read-only file system/,
    () => ({
      found: "a read-only file system",
      remedy: "Mount it writable. If it became read-only by itself, check the disk (`dmesg`) first.",
    }),
  ],
  [
    /^available (\S+) ?(.*)$/m,
    ([, name, versions]) => ({
      found: versions
        ? `${name} is available as ${versions.trim().split(" ").join(", ")}, not in the declared version`
        : `the host's package sources have no ${name}`,
      remedy: "Declare one of these versions, or add a source that has the declared one.",
    }),
  ],
  [
    /Held packages were changed/,
    (_, lines) => ({
      found: `${names(lines, /following held packages will be changed/) || "a package that it needs"} is held on the host`,
      remedy: "Release it (`apt-mark unhold NAME`), or declare the held version.",
    }),
  ],
  [
    /Packages need to be removed but remove is disabled/,
    (_, lines) => ({
      found: `it would remove ${names(lines, /following packages will be REMOVED/) || "other packages"}`,
      remedy:
        "Remove these manually if you do not need them: packages that were there before are never removed automatically.",
    }),
  ],
  [
    /(Temporary failure resolving|Could not resolve|Could not connect|Connection refused|Connection timed out|Unable to connect|Failed to fetch) ?(.*)/,
    ([, what, rest]) => ({
      found: `a package source cannot be reached: ${what} ${rest}`.trim(),
      remedy:
        "Check the host's apt sources and its network access to them (`apt-get update` there shows it), then run the update again.",
    }),
  ],
  [
    /Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate|Couldn't find any package by (?:glob|regex) '([^']+)'/,
    ([, unknown, unavailable, other]) => ({
      found: `the host's package sources have no package ${unknown ?? unavailable ?? other}`,
      remedy: "Correct its name, or add a source that has it. The lists were updated just now.",
    }),
  ],
  [
    /^missing (\S+)$/m,
    ([, name]) => ({
      found: `apt has no package of exactly this name: ${name}. It does not exist, or another package provides it`,
      remedy: `Correct the name, or declare the real package (\`apt-cache showpkg ${name}\` names those that provide it).`,
    }),
  ],
  [
    /have unmet dependencies/,
    (_, lines) => ({
      found:
        lines
          .filter((line) => / (Pre-Depends|Depends|Conflicts|Breaks): /.test(line))
          .slice(-5)
          .join("\n") || "unmet dependencies",
      remedy:
        "Add a source that has the missing packages, or check whether a held package prevents it (`apt-mark showhold`).",
    }),
  ],
  [
    /dpkg: error processing (?:package|archive) (\S+)/,
    ([, name], lines) => ({
      found: `${name} cannot be configured: ${lines
        .filter((line) => !/^(E:|Errors were encountered|\s*$)/.test(line))
        .slice(-4)
        .join("\n")}`,
      remedy:
        "Fix what its script reports (the full output is in /var/log/apt/term.log on the host), then run the update again.",
    }),
  ],
];

/** The indented names that apt lists below a heading. */
function names(lines: readonly string[], heading: RegExp): string {
  const start = lines.findLastIndex((line) => heading.test(line));
  if (start < 0) return "";
  const listed = lines.slice(start + 1);
  const end = listed.findIndex((line) => !line.startsWith(" "));
  return listed
    .slice(0, end < 0 ? undefined : end)
    .join(" ")
    .trim()
    .replaceAll(/\s+/g, " ");
}

/**
 * Checks all texts that a shell, perl or awk runs: ShellCheck on each script in git, on each text with the `sh` tag, and on
 * the complete scripts of hosts, which are assembled from parts; syntax checks of the programs in Perl and awk. Exits with 1
 * if there are errors. The checked texts that are not files in git are kept in .cache/check-scripts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExplainedError } from "../../errors/explained-error.ts";
import { hostScripts } from "./host-scripts.ts";
import { perlPrograms } from "./perl-programs.ts";
import { shellTexts } from "./shell-texts.ts";

/**
 * Findings about variables that other parts of a script set or use. They are checked in the complete scripts.
 */
const aboutOtherParts = ["SC2154", "SC2034", "SC2153"];
/** A finding about a loop that runs once: an interpolated value, here one word, may have several words. */
const aboutValues = ["SC2043"];
/**
 * Findings about dollar signs in single quotes: programs and other data often have them. They are checked in
 * the parts' files.
 */
const aboutData = ["SC2016"];

const kept = join(".cache", "check-scripts");

async function main(): Promise<boolean> {
  rmSync(kept, { recursive: true, force: true });
  const files = filesInGit();
  const ending = (end: string) => files.filter((file) => file.endsWith(end));
  const scripts = files.filter((file) => file.endsWith(".sh") || /^#!.*\b(ba|da)?sh$/.test(firstLine(file)));
  // Tests use the tag also for texts that are not commands.
  const modules = files.filter((file) => file.endsWith(".ts") && !file.startsWith("test/"));
  const parts = scripts.filter((file) => !firstLine(file).startsWith("#!"));
  const isClean = [
    shellCheck(scripts.filter((file) => !parts.includes(file))),
    shellCheck(parts, aboutOtherParts),
    ...scripts.map(hasReasons),
    shellCheck(modules.flatMap(keptTexts), [...aboutOtherParts, ...aboutValues]),
    ...perlPrograms(parts, ending(".perl")).map(perlSyntax),
    ...ending(".awk").map(awkSyntax),
  ].every(Boolean);
  // An error in a part would be repeated for each script that has the part.
  return isClean && shellCheck(keptScripts(await hostScripts()), aboutData);
}

/** The files in git, and new files that git does not ignore. */
function filesInGit(): string[] {
  return run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    .stdout.split("\0")
    .filter((file) => file && statSync(file, { throwIfNoEntry: false })?.isFile());
}

function firstLine(file: string): string {
  return readFileSync(file, "utf8").split("\n", 1)[0] ?? "";
}

function keptTexts(file: string): string[] {
  const source = readFileSync(file, "utf8");
  if (!source.includes("sh`")) return [];
  return shellTexts(file, source).map(({ line, text }, index) =>
    // The text keeps the line numbers of the source.
    keep(join("texts", file, `${index + 1}.sh`), `${"\n".repeat(line - 1)}${text}\n`),
  );
}

function keptScripts(scripts: ReadonlyMap<string, string>): string[] {
  return [...scripts].map(([name, script]) => keep(join("scripts", `${name}.sh`), script));
}

function keep(name: string, text: string): string {
  const path = join(kept, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** @param without the codes that are not checked */
function shellCheck(files: readonly string[], without: readonly string[] = []): boolean {
  // A file with a `#!` line is checked for the shell that the line names.
  const shell = files.some((file) => firstLine(file).startsWith("#!")) ? [] : ["--shell=sh"];
  const options = [
    "--norc",
    "--format=gcc",
    ...shell,
    ...(without.length > 0 ? [`--exclude=${without}`] : []),
  ];
  const { status, stdout, stderr } = run("shellcheck", [...options, ...files]);
  process.stdout.write(stdout + stderr);
  return status === 0;
}

/** Whether each exception in a script has its reason on the same line. */
function hasReasons(file: string): boolean {
  const bare = [...readFileSync(file, "utf8").matchAll(/^\s*# shellcheck [a-z-]+=\S+\s*$/gm)];
  for (const [line] of bare) console.log(`${file}: this exception has no reason: ${line.trim()}`);
  return bare.length === 0;
}

function perlSyntax(program: string): boolean {
  const { status, stderr } = run("perl", ["-c"], program);
  if (status !== 0) process.stdout.write(stderr);
  return status === 0;
}

function awkSyntax(file: string): boolean {
  // awk parses the whole text, but BEGIN exits before any other code runs.
  const { status, stderr } = run("awk", [`BEGIN { exit }\n${readFileSync(file, "utf8")}`]);
  if (status !== 0) process.stdout.write(`${file}: ${stderr}`);
  return status === 0;
}

function run(
  program: string,
  argv: readonly string[],
  input = "",
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const ran = spawnSync(program, argv, { input, encoding: "utf8", maxBuffer: 1 << 28 });
  if (!ran.error) return ran;
  throw new ExplainedError({
    step: "checking the scripts",
    found: `${program} does not start (${ran.error.message})`,
    remedy: "Run `toolchain/set-up packages` as root on Debian, or install the package of that name.",
    cause: ran.error,
  });
}

process.chdir(join(import.meta.dirname, "../.."));
try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof ExplainedError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

import { ExplainedError } from "../../../errors/explained-error.ts";
import type { RunResult } from "../../../hosts/host.ts";
import { ownerText } from "../../kernel/name-on-hosts.ts";
import { checkError } from "./check-error.ts";
import type { NumberedPath, PathClaims } from "./path-claims.ts";

/** The result of a run of the script. */
export interface ClaimsReport {
  /** Whether something on the host may have been changed. */
  readonly began: boolean;
  readonly warnings: readonly string[];
  readonly error?: ExplainedError;
  /** Whether a service refused its configuration, and also the previous one. */
  readonly alreadyBad?: boolean;
}

/** Parses the output of `pathClaims`' script, also if it failed. */
export function claimsReport(
  { numberedPaths }: PathClaims,
  { code, stdout, stderr }: RunResult,
): ClaimsReport {
  const reported = reportOf(stdout);
  const numberedPath = (index: string | undefined) => numberedPaths[Number(index)];
  const warnings = [
    ...reported("kept").map(([path]) => `${textOf(path)} is kept, since it contains files of others`),
    ...reported("overtaken").map(
      ([index, other]) =>
        `${numberedPath(index)?.path} is shared with ${ownerText(other)}, which still declares its previous value`,
    ),
  ];
  const restored = reported("restored").length > 0;
  const began = reported("began").length > 0 && !restored;
  if (code === 0) return { began, warnings };
  const refused =
    conflictError(numberedPaths, reported) ?? checkError(reported, restored, secretPaths(numberedPaths));
  if (refused) return { began, warnings, error: refused, alreadyBad: reported("already").length > 0 };
  const [index, action = "start"] = reported("stopped").at(-1) ?? [];
  return { began, warnings, error: stopError(action, numberedPath(index), stderr) };
}

/** Parses the output of `pathClaims`' `checkScript`: why the change is not possible. */
export function lookReport({ numberedPaths }: PathClaims, { stdout }: RunResult): ExplainedError | undefined {
  const reported = reportOf(stdout);
  return (
    conflictError(numberedPaths, reported) ?? checkError(reported, undefined, secretPaths(numberedPaths))
  );
}

function secretPaths(numberedPaths: readonly NumberedPath[]): string[] {
  return numberedPaths.filter(({ secret }) => secret).map(({ path }) => path);
}

type Report = (word: string) => string[][];

function reportOf(stdout: string): Report {
  const lines = stdout.split("\n").map((line) => line.split(" "));
  return (word) => lines.filter(([first]) => first === word).map(([, ...rest]) => rest);
}

function conflictError(numberedPaths: readonly NumberedPath[], reported: Report): ExplainedError | undefined {
  const taken = reported("taken").map(([index, other]) => ({
    what: numberedPaths[Number(index)]?.path ?? "",
    other,
  }));
  if (taken.length === 0) return undefined;
  // Claimed names explain more than the files that follow from them.
  const named = taken.filter(({ what }) => !what.startsWith("/"));
  const shown = named.length > 0 ? named : taken;
  const owners = [...new Set(shown.map(({ other }) => ownerText(other)))].join(", ");
  return new ExplainedError({
    step: `claiming ${[...new Set(shown.map(({ what }) => what))].join(", ")}`,
    found: `${owners} on this host already declares it, and the two cannot share it`,
    remedy: `Declare ${named.length > 0 ? "another one" : "other paths"}, or remove it there first, in an earlier update. If that is the same component under its old name, set nameOnHost to the old name, and add an alias (in a stack's configuration nameOnHost is enough).`,
  });
}

function textOf(base64 = ""): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

function stopError(action: string, numberedPath: NumberedPath | undefined, stderr: string): ExplainedError {
  const path = numberedPath?.path ?? "";
  const lines = stderr.trim().split("\n");
  const knownLine = lines.find((line) => remedies.some(([pattern]) => pattern.test(line)));
  const output = (knownLine ?? lines.at(-1))?.slice(0, 500) || "it failed without output";
  switch (action) {
    case "lock":
      return new ExplainedError({
        step: "waiting for another update of this host",
        found: "it has held the lock of the host's ledger for 5 minutes",
        remedy:
          "Let it finish (`fuser -v /run/airgapped-maas.ledger.lock` on the host shows it), then run the update again.",
      });
    case "socket":
      return new ExplainedError({
        step: `saving ${path}`,
        found: "a socket, which cannot be restored later",
        remedy: "Stop the service that created it, or declare another path.",
      });
    case "not-a-directory":
      return new ExplainedError({
        step: `creating the directory ${path}`,
        found: "something that is not a directory exists there",
        remedy: "Move it away, or declare other paths.",
      });
    case "linked-directory":
      return new ExplainedError({
        step: `creating the directory ${path}`,
        found: "a symbolic link to a directory, whose content could not be reached after a replacement",
        remedy: "Declare the directory it points to, or remove the link.",
      });
    case "recover":
      return new ExplainedError({
        step: "undoing the changes of an interrupted update",
        found: output,
        remedy:
          "Fix what the message reports, then run the update again: /var/lib/airgapped-maas/undo on the host contains the previous state.",
      });
    case "directory":
      return new ExplainedError({
        step: `deleting ${path}`,
        found: "a directory, but only files and links can be declared absent",
        remedy: "Remove the directory manually, or do not declare it absent.",
      });
  }
  const steps: Record<string, string> = {
    claim: `saving ${path}`,
    record: "saving the previous state",
    mkdir: `creating the directory ${path}`,
    write: `writing ${path}`,
    own: `setting owner and mode of ${path}`,
    link: `creating the link ${path}`,
    delete: `deleting ${path}`,
    release: "restoring the previous state",
  };
  return new ExplainedError({
    step: steps[action] ?? "preparing the change",
    found: output,
    remedy: remedyFor(output, numberedPath),
  });
}

const remedies: readonly (readonly [RegExp, (numberedPath: NumberedPath | undefined) => string])[] = [
  [/No space left|Disk quota|Wrote only/, () => "Free space on that file system, then run the update again."],
  [/Read-only file system/, () => "Mount that file system writable, or declare a path on another one."],
  [/Directory not empty/, () => "Move what is in that directory away, or declare another path."],
  [
    /invalid (user|group)/,
    (numberedPath) =>
      `Create the user and group ${numberedPath?.owner}:${numberedPath?.group} first, e.g. by installing the package that creates them.`,
  ],
  [
    /Operation not permitted/,
    () => "Check for an immutable attribute (`lsattr`) or a restriction of that file system.",
  ],
];

function remedyFor(output: string, numberedPath: NumberedPath | undefined): string {
  const known = remedies.find(([pattern]) => pattern.test(output));
  return known?.[1](numberedPath) ?? "Fix what the message reports, then run the update again.";
}

import { ExplainedError } from "../../../errors/explained-error.ts";
import type { RunResult } from "../../../hosts/host.ts";
import { ownerText } from "../../kernel/name-on-hosts.ts";
import { type ClaimsReport, claimsReport } from "../ledger/claims-report.ts";
import type { PathClaims } from "../ledger/path-claims.ts";

/** Parses the output of services.sh after a change of units. */
export function servicesReport(claims: PathClaims, result: RunResult): ClaimsReport {
  const lines = result.stdout.split("\n").map((line) => line.split(" "));
  const reported = (word: string) => lines.findLast(([first]) => first === word)?.slice(1);
  const contested = reported("contested");
  const [item = "", action = ""] = reported("stopped") ?? [];
  const report = claimsReport(claims, result);
  if (result.code === 0 || !(contested || item.startsWith("unit:"))) return report;
  const [unit, other] = contested ?? [item.slice("unit:".length)];
  const explain = contested ? contestedBy(String(other)) : failures[action];
  const journal = Buffer.from(reported("journal")?.[0] ?? "", "base64")
    .toString("utf8")
    .trim();
  const output = [result.stderr.trim().split("\n").slice(-2).join("\n"), journal].filter(Boolean).join("\n");
  const serving = reported("serving") ? " It still runs as before." : "";
  return {
    ...report,
    error: new ExplainedError({
      step: `${explain?.step ?? "changing"} ${unit}`,
      found: `${explain?.found ?? (output || "systemd refused")}.${serving}`.replace("..", "."),
      remedy: explain?.remedy ?? "Fix what the journal reports, then run the update again.",
    }),
  };
}

interface Failure {
  readonly step: string;
  /** Default: the output of systemctl and the unit's journal. */
  readonly found?: string;
  readonly remedy?: string;
}

function contestedBy(other: string): Failure {
  return {
    step: "claiming",
    found: `${ownerText(other)} on this host declares other values of enabled or running`,
    remedy:
      "Declare the same in both. If that is the same component under its old name, add an alias to the component.",
  };
}

const failures: Readonly<Record<string, Failure>> = {
  "not-found": {
    step: "looking for",
    found: "the host has no such unit",
    remedy: "Correct its name, install its package first, or declare its unit file.",
  },
  oneshot: {
    step: "starting",
    found: "it ran and ended, as usual for Type=oneshot",
    remedy: "Declare running: false for it.",
  },
  bad: {
    step: "loading",
    remedy: "Correct the unit file (`systemd-analyze verify` on the host explains it).",
  },
  reload: {
    step: "reloading",
    remedy: "Correct the configuration error in the journal, then run the update again.",
  },
  start: { step: "starting" },
  restart: { step: "restarting" },
  died: { step: "starting" },
  stop: { step: "stopping" },
  enable: { step: "enabling" },
  disable: { step: "disabling" },
  unmask: { step: "unmasking" },
};

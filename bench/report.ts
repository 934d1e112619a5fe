import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const reportFile = join(import.meta.dirname, "..", "docs", "performance.md");

/** A goal and its result. */
export interface Verdict {
  readonly goal: string;
  /** The measured value, in the unit of the goal. */
  readonly measured: string;
  readonly met: boolean;
}

/** A goal with an upper limit. */
export function atMost(goal: string, measured: number, limit: number, unit: string): Verdict {
  return {
    goal: `${goal}: at most ${limit.toFixed(2)} ${unit}`,
    measured: `${measured.toFixed(2)} ${unit}`,
    met: measured <= limit,
  };
}

/** A goal with a lower limit, as a ratio. */
export function atLeast(goal: string, measured: number, limit: number): Verdict {
  return {
    goal: `${goal}: at least ${limit} times`,
    measured: `${measured.toFixed(2)} times`,
    met: measured >= limit,
  };
}

/** One part of the page. */
export interface Section {
  readonly title: string;
  /** The method of the measurement: paragraphs of Markdown. */
  readonly introduction: string;
  readonly tables: readonly {
    readonly caption: string;
    readonly head: readonly string[];
    readonly rows: readonly (readonly string[])[];
  }[];
  readonly verdicts: readonly Verdict[];
  /** The command that measured it. */
  readonly command: string;
  /** The machine and the date. */
  readonly machine: string;
}

/** A table whose columns are aligned in plain text too. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** A section as Markdown. The same text is printed. */
export function sectionText(section: Section): string {
  const goals = section.verdicts.map(({ goal, measured, met }) => [goal, measured, met ? "met" : "MISSED"]);
  return [
    `## ${section.title}`,
    section.introduction,
    ...section.tables.map(({ caption, head, rows }) => `${caption}\n\n${table(head, rows)}`),
    ...(goals.length > 0 ? [table(["goal", "measured", ""], goals)] : []),
    `Made by \`${section.command}\`, ${section.machine}.`,
  ].join("\n\n");
}

const heading = `# Performance

Written by \`make bench\`, which measures on the lab. Every tool does the same work on the same hosts in the same
run, so compare the ratios, not the seconds. The latency is that of a round trip, made by a delaying TCP proxy.`;

/** Writes sections into the page. They replace the sections of earlier runs with the same titles. */
export function writeReport(sections: readonly Section[]): void {
  const texts = new Map(
    existsSync(reportFile)
      ? readFileSync(reportFile, "utf8")
          .split(/^(?=## )/m)
          .slice(1)
          .map((text) => [/^## (.*)/.exec(text)?.[1] ?? "", text.trim()] as const)
      : [],
  );
  for (const section of sections) texts.set(section.title, sectionText(section));
  writeFileSync(reportFile, `${[heading, ...texts.values()].join("\n\n")}\n`);
}

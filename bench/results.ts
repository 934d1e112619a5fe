import { median, type Seconds } from "./measurement.ts";

/** What was measured of one tool in one case, run by run. */
interface Measured {
  readonly seconds: Seconds[];
  /** Of these, the job on the mirror host. */
  readonly job: Seconds[];
  readonly bytes: number[];
  readonly requests: number[];
}

/** Measurements at one latency. */
export class Results<Tool extends string, Case extends string> {
  readonly #all = new Map<string, Measured>();
  /** Seconds that the CLI takes for a stack of resources that do nothing. */
  readonly cli: Seconds[] = [];

  of(tool: Tool, which: Case): Measured {
    const key = `${tool} ${which}`;
    const found = this.#all.get(key) ?? { seconds: [], job: [], bytes: [], requests: [] };
    this.#all.set(key, found);
    return found;
  }

  seconds(tool: Tool, which: Case): Seconds {
    return median(this.of(tool, which).seconds);
  }

  job(tool: Tool, which: Case): Seconds {
    return median(this.of(tool, which).job);
  }

  /** A row of a table: the medians of one quantity in each case, bytes in MB; empty where nothing was measured. */
  row(name: string, tool: Tool, cases: readonly Case[], part: keyof Measured): string[] {
    const cell = (which: Case) => {
      const values = this.of(tool, which)[part];
      if (values.length === 0) return "";
      if (part === "requests") return String(median(values));
      return (part === "bytes" ? median(values) / 1e6 : median(values)).toFixed(2);
    };
    return [name, ...cases.map(cell)];
  }
}

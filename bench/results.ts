import { median, type Seconds } from "./measurement.ts";

/** The measurements of one tool in one case, one value per run. */
interface Measured {
  readonly seconds: Seconds[];
  /** The part of these seconds that the job on the mirror host took. */
  readonly job: Seconds[];
  readonly bytes: number[];
  readonly requests: number[];
}

/** Measurements at one latency. */
export class Results<Tool extends string, Case extends string> {
  readonly #all = new Map<string, Measured>();
  /** Seconds of the CLI for a stack of resources without work. */
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

  /**
   * A row of a table: the medians of one quantity in each case, bytes in MB. A cell without a measurement is
   * empty.
   */
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

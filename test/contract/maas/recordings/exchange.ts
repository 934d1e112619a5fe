import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A request to MAAS 3.6.5 and its answer: a line of one of the files in this directory. */
export interface Exchange {
  /** The number of the request, in the order of sending. */
  readonly n: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly encoding: "multipart" | "urlenc" | "json" | "raw" | null;
  readonly fields: readonly SentField[];
  readonly rawBodyBase64?: string | null;
  readonly as: "admin" | "user1" | null;
  readonly auth: "oauth" | "none" | "custom";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A value. With a name it is a file. */
export interface SentField {
  readonly name: string;
  readonly value?: unknown;
  readonly filename?: string;
  readonly fileBase64?: string;
}

const files = [
  "auth",
  "package-repositories",
  "boot-sources-create",
  "selections",
  "config",
  "import-semantics",
  "dns",
];

/** All of them, in order. */
export const exchanges: readonly Exchange[] = files
  .flatMap((name) =>
    readFileSync(join(import.meta.dirname, `${name}.jsonl`), "utf8")
      .trim()
      .split("\n"),
  )
  .map((line): Exchange => JSON.parse(line))
  .sort((left, right) => left.n - right.n);

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Somebody with an account. */
export interface User {
  readonly username: string;
  readonly email: string;
  readonly isAdmin: boolean;
}

/** An API key: how a user signs. The consumer's secret is always empty. */
export interface ApiKey {
  readonly username: string;
  readonly consumerKey: string;
  readonly tokenKey: string;
  readonly tokenSecret: string;
}

/** Something that the web interface shows to everybody until somebody dismisses it. */
export interface Notification {
  readonly id: number;
  /** What it is about: there is one of each. */
  readonly ident: string;
  readonly category: "error" | "warning" | "success" | "info";
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/**
 * Everything that MAAS would have in its database, as plain JSON. What only one kind of endpoint knows is a table by
 * name, whose rows are declared where that is written.
 */
export interface State {
  /** Who there is; given when the stand-in starts. */
  users: User[];
  keys: ApiKey[];
  /** The last id given out, by table. Ids are never given out again. */
  lastIds: Record<string, number>;
  notifications: Notification[];
  /** What `set_config` stored; what is not in here has its default. */
  config: Record<string, unknown>;
  /** The rows of every other table. */
  tables: Record<string, unknown[]>;
}

/** The state, and the file it outlives the process in. */
export class Store {
  readonly state: State;
  /** Whether nothing was stored before. */
  readonly isNew: boolean;
  readonly #file: string | undefined;
  #saved = "";
  #uploads: string | undefined;

  /** Reads the file, where there is one; otherwise MAAS is as just installed. */
  constructor(file: string | undefined) {
    this.#file = file;
    const fresh: State = {
      users: [],
      keys: [],
      lastIds: {},
      notifications: [],
      config: {},
      tables: {},
    };
    const stored =
      file !== undefined && existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
    this.state = { ...fresh, ...stored };
    this.isNew = stored === undefined;
  }

  /** A table's rows: change them in place. A table that was never asked for holds what `initial` says. */
  table<Row>(name: string, initial: () => Row[] = () => []): Row[] {
    this.state.tables[name] ??= initial();
    return this.state.tables[name] as Row[];
  }

  /** The next id of a table. */
  nextId(table: string): number {
    const id = (this.state.lastIds[table] ?? 0) + 1;
    this.state.lastIds[table] = id;
    return id;
  }

  /** Where content is kept while it is being uploaded: beside the state. */
  get uploads(): string {
    this.#uploads ??=
      this.#file === undefined ? mkdtempSync(join(tmpdir(), "maas-")) : `${this.#file}.uploads`;
    mkdirSync(this.#uploads, { recursive: true });
    return this.#uploads;
  }

  /** Stores what changed, so that a process killed right after goes on from here. */
  save(): void {
    if (this.#file === undefined) return;
    const text = JSON.stringify(this.state);
    if (text === this.#saved) return;
    const file = openSync(`${this.#file}.new`, "w", 0o600);
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    renameSync(`${this.#file}.new`, this.#file);
    this.#saved = text;
  }
}

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

/** A user account. */
export interface User {
  readonly username: string;
  readonly email: string;
  readonly isAdmin: boolean;
}

/** An API key of a user. The consumer's secret is always empty. */
export interface ApiKey {
  readonly username: string;
  readonly consumerKey: string;
  readonly tokenKey: string;
  readonly tokenSecret: string;
}

/** A message in the web interface for every user, until the user dismisses it. */
export interface Notification {
  readonly id: number;
  /** Its subject. There is only one notification with this ident. */
  readonly ident: string;
  readonly category: "error" | "warning" | "success" | "info";
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/**
 * The data of MAAS's database, as plain JSON. Data that only one kind of endpoint uses is in a named table. The type of
 * its rows is declared with the endpoint.
 */
export interface State {
  /** The users. They are given when the stand-in starts. */
  users: User[];
  keys: ApiKey[];
  /** The last used id, by table. Ids are not used again. */
  lastIds: Record<string, number>;
  notifications: Notification[];
  /** The values that `set_config` stored. Other settings have their defaults. */
  config: Record<string, unknown>;
  /** The rows of every other table. */
  tables: Record<string, unknown[]>;
}

/** The state, and the file in which it is stored. */
export class Store {
  readonly state: State;
  /** Whether the state is new. */
  readonly isNew: boolean;
  readonly #file: string | undefined;
  #saved = "";
  #uploads: string | undefined;

  /** Reads the file if it exists. Otherwise MAAS is as newly installed. */
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

  /** The rows of a table; the caller may change them. A table that is new gets the rows of `initial`. */
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

  /** The directory of incomplete uploads, next to the file of the state. */
  get uploads(): string {
    this.#uploads ??=
      this.#file === undefined ? mkdtempSync(join(tmpdir(), "maas-")) : `${this.#file}.uploads`;
    mkdirSync(this.#uploads, { recursive: true });
    return this.#uploads;
  }

  /** Stores all changes, so that they are not lost if the process is killed. */
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

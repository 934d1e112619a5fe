import { type Faults, noFaults } from "./faults.ts";
import { Signatures } from "./oauth.ts";
import type { Notification, Store, User } from "./state.ts";
import { timestamp, type Version, type VersionName, versions } from "./versions.ts";

/** The work on images outside the API. The API starts it; it then runs in the background. */
export interface ImageWork {
  /** Fetches the lists of all boot sources, so that selections can be checked. */
  refreshSources(): void;
  /** Starts an import, unless one runs already. */
  startImport(): void;
  stopImport(): void;
  isImporting(): boolean;
}

/** One MAAS: the state and the functions that its endpoints use. */
export class Maas {
  readonly version: Version;
  readonly store: Store;
  readonly faults: Faults = noFaults();
  readonly signatures: Signatures;
  /** Requests that are received completely and not answered yet, also if their client has disconnected. */
  readonly underWay = new Set<Promise<unknown>>();
  /** Set once, when the server starts. */
  images: ImageWork = { refreshSources() {}, startImport() {}, stopImport() {}, isImporting: () => false };

  constructor(options: { readonly version: VersionName; readonly store: Store }) {
    this.version = versions[options.version];
    this.store = options.store;
    this.signatures = new Signatures(
      () => this.store.state.keys,
      () => this.now(),
    );
  }

  /** The server's clock, in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.faults.clockOffset * 1000;
  }

  /** A time in the format of this release's API. Default: the present time. */
  timestamp(milliseconds: number = this.now()): string {
    return timestamp(this.version, milliseconds);
  }

  userNamed(username: string): User | undefined {
    return this.store.state.users.find((user) => user.username === username);
  }

  /** Shows a notification. Replaces the one with the same ident. */
  notify(ident: string, category: Notification["category"], message: string): void {
    const { state } = this.store;
    const before = state.notifications.find((notification) => notification.ident === ident);
    const id = before?.id ?? this.store.nextId("notifications");
    state.notifications = [
      ...state.notifications.filter((notification) => notification !== before),
      { id, ident, category, message, created: before?.created ?? this.now() },
    ];
  }

  /** Removes a notification. */
  unnotify(ident: string): void {
    const { state } = this.store;
    state.notifications = state.notifications.filter((notification) => notification.ident !== ident);
  }
}

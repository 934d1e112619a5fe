import { type Faults, noFaults } from "./faults.ts";
import { Signatures } from "./oauth.ts";
import type { Notification, Store, User } from "./state.ts";
import { timestamp, type Version, type VersionName, versions } from "./versions.ts";

/** What happens to images beside the API: started here, it goes on by itself. */
export interface ImageWork {
  /** Fetches what all boot sources have, to know what can be selected. */
  refreshSources(): void;
  /** Starts an import; nothing happens while one runs. */
  startImport(): void;
  stopImport(): void;
  isImporting(): boolean;
}

/** One MAAS: what its endpoints work on. */
export class Maas {
  readonly version: Version;
  readonly store: Store;
  readonly faults: Faults = noFaults();
  readonly signatures: Signatures;
  /** Requests that were received whole and are not answered yet, those of clients that went away among them. */
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

  /** A time as this release's API writes it; the present one by default. */
  timestamp(milliseconds: number = this.now()): string {
    return timestamp(this.version, milliseconds);
  }

  userNamed(username: string): User | undefined {
    return this.store.state.users.find((user) => user.username === username);
  }

  /** Shows a notification in place of the one with the same ident. */
  notify(ident: string, category: Notification["category"], message: string): void {
    const { state } = this.store;
    const before = state.notifications.find((notification) => notification.ident === ident);
    const id = before?.id ?? this.store.nextId("notifications");
    state.notifications = [
      ...state.notifications.filter((notification) => notification !== before),
      { id, ident, category, message, created: before?.created ?? this.now() },
    ];
  }

  /** Takes a notification away again. */
  unnotify(ident: string): void {
    const { state } = this.store;
    state.notifications = state.notifications.filter((notification) => notification.ident !== ident);
  }
}

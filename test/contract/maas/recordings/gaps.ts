import type { SentField } from "./exchange.ts";

/** A request that makes the state that an exchange needs. */
export interface Preparation {
  readonly method: "POST" | "PUT" | "DELETE";
  /** Below `/MAAS/api/2.0/`, with the ids of the recordings. */
  readonly path: string;
  readonly fields?: readonly SentField[];
  /** The recorded id of the thing that it makes, if that request was not recorded. */
  readonly makes?: { readonly kind: string; readonly id: number };
}

/**
 * The events between recorded exchanges on which later ones depend, by the number of the first of these. The recorded
 * region ran without the service that starts imports, so 32 shows no source.
 */
export const gaps: Readonly<Record<number, readonly Preparation[]>> = {
  // The list of 141 shows source 2 with another URL and its own keyring. Source 9 is deleted.
  141: [
    {
      method: "PUT",
      path: "boot-sources/2/",
      fields: [
        { name: "url", value: "http://changed2.internal/a" },
        { name: "keyring_filename", value: "" },
        { name: "keyring_data", filename: "k.gpg", fileBase64: "mQJzZWNvbmQ=" },
      ],
    },
    { method: "DELETE", path: "boot-sources/9/" },
  ],
  // The list of 382 shows the stream as source 11.
  382: [
    {
      method: "POST",
      path: "boot-sources/",
      fields: [
        { name: "url", value: "http://127.0.0.1:18080/signed/" },
        { name: "keyring_data", filename: "k", fileBase64: "THE STREAM'S" },
      ],
      makes: { kind: "boot-sources", id: 11 },
    },
  ],
};

/** The condition for which an exchange waits, by its number, because MAAS needed some time there. */
export const waits: Readonly<Record<number, "sources are fetched" | "import is over">> = {
  151: "sources are fetched",
  386: "sources are fetched",
  390: "import is over",
  396: "import is over",
  400: "import is over",
  404: "import is over",
  408: "import is over",
  412: "sources are fetched",
  415: "import is over",
  419: "import is over",
  425: "import is over",
};

/** Exchanges during which the stream does not answer: MAAS had not fetched a new source at that time. */
export const unfetched: readonly { readonly from: number; readonly to: number }[] = [
  { from: 384, to: 385 },
  { from: 410, to: 411 },
];

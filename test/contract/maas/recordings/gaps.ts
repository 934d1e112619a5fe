import type { SentField } from "./exchange.ts";

/** A request that brings about what an exchange needs. */
export interface Preparation {
  readonly method: "POST" | "PUT" | "DELETE";
  /** Below `/MAAS/api/2.0/`, with the ids that the recordings have. */
  readonly path: string;
  readonly fields?: readonly SentField[];
  /** The recorded id of what it makes, where that was not recorded either. */
  readonly makes?: { readonly kind: string; readonly id: number };
}

/**
 * What happened between recorded exchanges, as far as later ones depend on it, by the number of the first that does.
 * It imports nothing by itself: the recorded region ran without the service that does, so 32 shows no source.
 */
export const gaps: Readonly<Record<number, readonly Preparation[]>> = {
  // The list of 141 shows source 2 with another address and a keyring of its own, and source 9 gone.
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

/** What an exchange waits for, by its number: what MAAS did meanwhile took it a moment. */
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

/** Exchanges while which the stream holds its answers back: MAAS had not fetched a new source when it was asked. */
export const unfetched: readonly { readonly from: number; readonly to: number }[] = [
  { from: 384, to: 385 },
  { from: 410, to: 411 },
];

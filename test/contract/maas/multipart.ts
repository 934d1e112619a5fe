/** What a request sends; both members or none, but for a body that says its type itself. */
export interface SentBody {
  readonly body?: Uint8Array<ArrayBuffer> | string | URLSearchParams;
  readonly contentType?: string;
}

/** A part of a form; a file where it has a name. */
export interface Part {
  readonly name: string;
  readonly filename?: string;
  readonly content: string | Uint8Array;
}

/** A multipart form with its values as they are: `FormData` makes CR LF of each LF, and MAAS's clients do not. */
export function multipart(parts: readonly Part[]): SentBody {
  const boundary = crypto.randomUUID();
  const chunks = parts.flatMap(({ name, filename, content }) => {
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    return [
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n`,
      ...(filename === undefined ? [] : ["Content-Type: application/octet-stream\r\n"]),
      "\r\n",
      content,
      "\r\n",
    ];
  });
  const body = Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk)));
  return { body: new Uint8Array(body), contentType: `multipart/form-data; boundary=${boundary}` };
}

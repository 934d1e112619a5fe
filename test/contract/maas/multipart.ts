/** The content of a request. Both members are set or none, unless the body has its own type. */
export interface SentBody {
  readonly body?: Uint8Array<ArrayBuffer> | string | URLSearchParams;
  readonly contentType?: string;
}

/** A part of a form. With a name, it is a file. */
export interface Part {
  readonly name: string;
  readonly filename?: string;
  readonly content: string | Uint8Array;
}

/** A multipart form with unchanged values. `FormData` converts LF to CR LF, and MAAS's clients do not. */
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

import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import { digestOf } from "../../../values/digest.ts";

/** Creates directories of the store. They must not be symbolic links. */
export function makeStoreDirectories(store: string, directories: readonly string[]): string {
  return sh`set -e
for d in ${[store, ...directories]}; do
  if [ -L "$d" ]; then echo "$d is a symbolic link to $(readlink "$d"), which is not followed: replace it with a directory" >&2; exit 65; fi
  mkdir -p -- "$d"
done`;
}

/** Uploads texts of the workstation into the host's store: small ones in one script, large ones as files. */
export async function uploadTexts(host: Host, store: string, texts: readonly Buffer[]): Promise<void> {
  const step = `uploading the plan to ${store}`;
  const path = (bytes: Buffer) => {
    const digest = digestOf(bytes);
    return `${store}/${digest.slice(0, 2)}/${digest}`;
  };
  const large = texts.filter((bytes) => bytes.length > 1 << 20);
  const directories = [...new Set(texts.map((bytes) => path(bytes).replace(/\/[^/]*$/, "")))];
  const small = texts
    .filter((bytes) => !large.includes(bytes))
    .map((bytes) => {
      const lines = bytes.toString("base64").replaceAll(/(.{76})/g, "$1\n");
      return `${sh`put ${path(bytes)}`} <<'end-of-text'\n${lines}\nend-of-text`;
    });
  // An existing complete file without links gets a new date: otherwise it could be pruned before the job uses it.
  const put = `put() { if [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -c 1-64)" = "\${1##*/}" ]; then find "$1" -links 1 -exec touch -- {} +; else base64 -d >"$1.new.$$" && mv -fT "$1.new.$$" "$1"; fi; }`;
  await host.run([makeStoreDirectories(store, directories), put, ...small].join("\n"), { step });
  for (const bytes of large)
    await host.upload(bytes, path(bytes), { mode: 0o644, owner: "root", group: "root" });
}

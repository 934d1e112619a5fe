import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import { digestOf } from "../../../values/digest.ts";

/** Makes directories of the store, which may be no symbolic links. */
export function makeStoreDirectories(store: string, directories: readonly string[]): string {
  return sh`set -e
for d in ${[store, ...directories]}; do
  if [ -L "$d" ]; then echo "$d is a symbolic link to $(readlink "$d"), and nothing is written through one: put a directory in its place" >&2; exit 65; fi
  mkdir -p -- "$d"
done`;
}

/** Puts what the workstation has into the host's store: small things in one script, large ones as files. */
export async function uploadTexts(host: Host, store: string, texts: readonly Buffer[]): Promise<void> {
  const step = `handing the plan over to ${store}`;
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
  // What is there already, whole, and nothing links to gets a new date: else it could be pruned before the job comes to it.
  const put = `put() { if [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -c 1-64)" = "\${1##*/}" ]; then find "$1" -links 1 -exec touch -- {} +; else base64 -d >"$1.new.$$" && mv -fT "$1.new.$$" "$1"; fi; }`;
  await host.run([makeStoreDirectories(store, directories), put, ...small].join("\n"), { step });
  for (const bytes of large)
    await host.upload(bytes, path(bytes), { mode: 0o644, owner: "root", group: "root" });
}

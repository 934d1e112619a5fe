import { resolve } from "node:path";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { sh } from "../../../hosts/shell.ts";
import type { ResourceContext } from "../../kernel/definition.ts";
import { makeStoreDirectories } from "../published-tree/upload-texts.ts";

interface ImageToStore {
  readonly store: string;
  readonly file: { readonly path: string; readonly onHost: boolean };
  readonly image: { readonly sha256: string };
  readonly size: number;
}

/**
 * Puts the image's file into the host's store, unless it is there: by a copy of a file on the host, or streamed from
 * this workstation. It is checked before it gets its final name.
 *
 * @param distrusted The stored file was found damaged, so its content is read.
 * @throws ExplainedError if it is another file than in the preview.
 */
export async function storeImageFile(
  { host, progress }: ResourceContext,
  { store, file, image: { sha256 }, size }: ImageToStore,
  distrusted: boolean,
): Promise<void> {
  const directory = `${store}/${sha256.slice(0, 2)}`;
  const kept = `${directory}/${sha256}`;
  const storedSize = await host.facts({
    script: sh`stat -c %s ${kept} 2>/dev/null || true`,
    parse: (output) => output.trim(),
  });
  if (storedSize === String(size) && !(distrusted && (await isDamaged()))) return;
  const temporary = `${directory}/.${sha256}.new`;
  await host.run(makeStoreDirectories(store, [directory]), { step: `creating ${directory}` });
  if (file.onHost) {
    progress(`copying ${file.path} into ${store}`);
    await host.run(sh`cp --reflink=auto -- ${file.path} ${temporary}`, { step: `copying ${file.path}` });
  } else {
    progress(`sending ${file.path} to ${host.name} (${(size / 1048576).toFixed(1)} MiB)`);
    await host.upload({ file: resolve(file.path) }, temporary, { mode: 0o644, owner: "root", group: "root" });
  }
  const checked = await host.run(
    sh`new=${temporary}
if [ "$(stat -c %s "$new")" = ${size} ] && [ "$(sha256sum <"$new" | cut -d' ' -f1)" = ${sha256} ]; then
  chmod 644 "$new" && sync "$new" && mv -f "$new" ${kept} && echo right
else
  rm -f "$new"
fi`,
    { step: `checking ${file.path}` },
  );
  if (checked.stdout.trim() === "right") return;
  throw new ExplainedError({
    step: `storing ${file.path} on ${host.name}`,
    found: "its SHA-256 on arrival differs from that in the preview",
    remedy: "The file was changed meanwhile: run the update again.",
    values: ["file"],
  });

  async function isDamaged(): Promise<boolean> {
    const { stdout } = await host.run(sh`sha256sum <${kept}`, { step: `checking ${kept}` });
    return !stdout.startsWith(sha256);
  }
}

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Host, Probe } from "../../hosts/host.ts";
import { sh } from "../../hosts/shell.ts";

/**
 * Inputs that a host takes and never shows again (passwords, private keys in a service's own store) are
 * compared by a fingerprint. It is kept on the host under a key that only its root can read, for a bare
 * hash of a password, in a state file or on a disk, can be guessed at.
 */
export interface Seals {
  /** The host's key in hexadecimal; undefined where nothing was sealed yet. */
  readonly key: string | undefined;
  /** Fingerprints by the name of the input. */
  readonly fingerprints: Readonly<Record<string, string>>;
}

const directory = "/var/lib/airgapped-maas";

/** HMAC-SHA256 in hexadecimal. The name is in it, so that equal values of two inputs do not look equal. */
export function fingerprint(key: string, name: string, value: string): string {
  return createHmac("sha256", Buffer.from(key, "hex")).update(`${name}\0${value}`).digest("hex");
}

/** Whether the value is the one that was last sealed under the name. */
export function isSealed(seals: Seals, name: string, value: string): boolean {
  const kept = Object.hasOwn(seals.fingerprints, name) ? seals.fingerprints[name] : undefined;
  if (!seals.key || !kept) return false;
  const expected = Buffer.from(fingerprint(seals.key, name, value), "hex");
  const found = Buffer.from(kept, "hex");
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/**
 * Reads what is sealed for a resource; one probe of its `observe`. What differs is observed as some text
 * that is not the value, e.g. `(another one)`.
 *
 * @param id the resource's `context.id`.
 */
export function sealsProbe(id: string, root = directory): Probe<Seals> {
  return {
    script: sh`for kept in ${`${root}/seal.key`} ${`${root}/seals/${id}`}; do
  if [ -e "$kept" ]; then cat "$kept" && echo; else echo; fi
done`,
    parse(output) {
      const [key, ...lines] = output.split("\n");
      const kept = lines.filter(Boolean).map((line) => line.split(" ", 2) as [string, string]);
      const named = kept.map(([value, name]) => [decodeURIComponent(name), value] as const);
      return { key: key || undefined, fingerprints: Object.fromEntries(named) };
    },
  };
}

/** Remembers the values as those that the host has, in place of all sealed before; after they were applied. */
export async function seal(
  host: Pick<Host, "run">,
  id: string,
  values: Readonly<Record<string, string>>,
  root = directory,
): Promise<void> {
  const step = "remembering what cannot be read back";
  const { stdout } = await host.run(keyScript(root), { step });
  const lines = Object.entries(values).map(
    ([name, value]) => `${fingerprint(stdout.trim(), name, value)} ${encodeURIComponent(name)}\n`,
  );
  await host.run(replaceScript(id, root), { step, input: lines.join("") });
}

/**
 * Forgets what was sealed for a resource; part of its `remove`. The key goes with the last of them. Whoever seals
 * in that moment fails, or finds its input changed and seals it again.
 */
export async function unseal(host: Pick<Host, "run">, id: string, root = directory): Promise<void> {
  const script = sh`rm -f ${`${root}/seals/${id}`}
if rmdir ${`${root}/seals`} 2>/dev/null; then rm -f ${`${root}/seal.key`}; fi
rmdir ${root} 2>/dev/null || true`;
  await host.run(script, { step: "forgetting what could not be read back" });
}

/** Prints the host's key, made when there is none. Of two that make one at a time the first to link it wins. */
function keyScript(root: string): string {
  const key = `${root}/seal.key`;
  return sh`set -e
umask 077
mkdir -p ${`${root}/seals`}
if [ ! -e ${key} ]; then
  new=$(mktemp ${`${key}.XXXXXX`})
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "$new"
  sync "$new"
  ln "$new" ${key} 2>/dev/null || [ -e ${key} ]
  rm -f "$new"
fi
cat ${key}`;
}

function replaceScript(id: string, root: string): string {
  return sh`set -e
umask 077
new=$(mktemp ${`${root}/seals/.new.XXXXXX`})
cat > "$new"
sync "$new"
mv -f "$new" ${`${root}/seals/${id}`}`;
}

import type { Lab } from "./lab.ts";

/** The state of a host, for a comparison before and after a change. */
export interface Manifest {
  /** By path: kind, mode and owner; size and sha256 for files; the target for links. */
  readonly files: Readonly<Record<string, string>>;
  /** Package to version and state, e.g. `{ "nginx": "1.22.1-9 ii" }`. */
  readonly packages: Readonly<Record<string, string>>;
  /** Unit file to `enabled`, `disabled`, `masked` ... */
  readonly units: Readonly<Record<string, string>>;
  /**
   * Unit to `active` or `failed`. Units in other states are omitted, and transient scopes and devices too.
   */
  readonly running: Readonly<Record<string, string>>;
  readonly users: Readonly<Record<string, string>>;
  readonly groups: Readonly<Record<string, string>>;
}

interface ManifestOptions {
  /** Paths that are omitted, with all paths below them. Default: `volatilePaths`. */
  readonly exclude?: readonly string[];
}

/** Paths that change on a host without any action. Only the root file system is read. */
const volatilePaths: readonly string[] = [
  "/var/log",
  "/var/cache",
  "/var/tmp",
  "/var/lib/apt/lists",
  "/var/lib/systemd",
  "/var/lib/dpkg",
  "/tmp",
  "/run",
  "/proc",
  "/sys",
  "/dev",
];

const mark = "== ";

/** Reads the state of a host without SSH. Takes about two seconds. */
export async function manifestOf(lab: Lab, host: string, options: ManifestOptions = {}): Promise<Manifest> {
  const exclude = options.exclude ?? volatilePaths;
  const prune = exclude.map((path) => `-path '${path.replaceAll("'", `'\\''`)}'`).join(" -o ");
  const find = `find / -xdev ${prune === "" ? "" : `\\( ${prune} \\) -prune -o`}`;
  const { code, stdout, stderr } = await lab.sh(
    host,
    `set -o pipefail
     echo '${mark}tree'
     ${find} -printf '%p\\t%y %m %U:%G\\t%y%s\\t%l\\0' || exit 1
     printf '\\0${mark}sums\\0'
     ${find} -type f -print0 | xargs -0 -r sha256sum -z || exit 1
     echo; echo '${mark}packages'
     dpkg-query -W -f '\${binary:Package}\\t\${Version} \${db:Status-Abbrev}\\n'
     echo '${mark}units'
     systemctl list-unit-files --no-legend --plain | awk '{print $1 "\\t" $2}'
     echo '${mark}running'
     systemctl list-units --no-legend --plain --state=active,failed --type=service,socket,timer,path | awk '{print $1 "\\t" $3}'
     echo '${mark}users'; sed 's/:/\\t/' /etc/passwd
     echo '${mark}groups'; sed 's/:/\\t/' /etc/group`,
  );
  if (code !== 0) throw new Error(`reading the state of ${host}: ${stderr}`);
  const parts = new Map(
    stdout.split(/(?:^|[\n\0])== /).map((part) => {
      const end = part.search(/[\n\0]/);
      return [part.slice(0, end), part.slice(end + 1)] as const;
    }),
  );
  const table = (name: string) =>
    Object.fromEntries(
      (parts.get(name) ?? "").split("\n").flatMap((line) => {
        const tab = line.indexOf("\t");
        return tab < 0 ? [] : [[line.slice(0, tab), line.slice(tab + 1).trim()] as const];
      }),
    );
  return {
    files: filesOf(parts.get("tree") ?? "", parts.get("sums") ?? ""),
    packages: table("packages"),
    units: table("units"),
    running: table("running"),
    users: table("users"),
    groups: table("groups"),
  };
}

function filesOf(tree: string, sums: string): Record<string, string> {
  const sha256 = new Map(
    sums.split("\0").map((line) => [line.slice(66).replace(/^\n/, ""), line.slice(0, 64)] as const),
  );
  return Object.fromEntries(
    tree.split("\0").flatMap((entry) => {
      const [path = "", what = "", size = "", target = ""] = entry.split("\t");
      if (path === "") return [];
      const more = size.startsWith("f") ? `${size.slice(1)} ${sha256.get(path) ?? ""}` : target;
      return [[path, `${what} ${more}`.trim()] as const];
    }),
  );
}

/**
 * The differences between two manifests, one per line: `+ files /etc/x`, `- packages nginx`, `~ units x: a ->
 * b`.
 */
export function manifestDifferences(before: Manifest, after: Manifest): string[] {
  return (Object.keys(before) as (keyof Manifest)[]).flatMap((kind) => {
    const [old, now] = [before[kind], after[kind]];
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
    return names.flatMap((name) => {
      if (old[name] === now[name]) return [];
      if (old[name] === undefined) return [`+ ${kind} ${name}`];
      if (now[name] === undefined) return [`- ${kind} ${name}`];
      return [`~ ${kind} ${name}: ${old[name]} -> ${now[name]}`];
    });
  });
}

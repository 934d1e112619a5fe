import { isUtf8 } from "node:buffer";
import type { Probe } from "../../../hosts/host.ts";
import { quote } from "../../../hosts/shell.ts";
import { digestOf } from "../../../values/digest.ts";
import type { DeclaredPath } from "./declared-path.ts";
import { type LedgerPlace, ledgerPlace } from "./place.ts";

/** The actual state of a path. */
export interface FoundPath {
  readonly type: "file" | "directory" | "link" | "other";
  /** For messages: "a directory". */
  readonly what: string;
  readonly mode: string;
  /** The declared form if it is the same owner, otherwise the name, otherwise the number. */
  readonly owner: string;
  readonly group: string;
  /** Digest of a file. */
  readonly digest?: string;
  /** The text of a file that differs from its declaration, or a text to show instead. */
  readonly content?: string;
  /** Target of a link. */
  readonly target?: string;
}

export interface FoundPaths {
  /** Whether the ledger has claims of this resource. */
  readonly claimed: boolean;
  /** Whether a change of this resource was interrupted before services had accepted it. */
  readonly cutOff: boolean;
  /** Without paths that do not exist. */
  readonly at: ReadonlyMap<string, FoundPath>;
}

/** Bytes. The content of a larger file that differs is not shown. */
const maximumShownBytes = 64 * 1024;

/** Reads all declared paths of a resource at once. */
export function pathProbe(
  resource: string,
  declared: readonly DeclaredPath[],
  place: LedgerPlace = ledgerPlace,
): Probe<FoundPaths> {
  const expected = declared.map((item) => {
    if (item.type !== "file") return "-";
    return item.secret ? "secret" : digestOf(item.content);
  });
  const script = `
claims=${quote(place.directory)}/paths
for claim in "$claims"/*/claims/${quote(resource)}; do
  if [ -e "$claim" ]; then echo claimed; break; fi
done
if [ "$(cat ${quote(`${place.directory}/undo/resource`)} 2>/dev/null)" = ${quote(resource)} ] && flock -n -s ${quote(place.lock)} true; then echo cut-off; fi
look() {
found='' index=0
set --
for path in ${declared.map(({ path }) => quote(path)).join(" ")}; do
  if [ -e "$path" ] || [ -L "$path" ]; then found="$found $index"; set -- "$@" "$path"; fi
  index=$((index + 1))
done
if [ $# -eq 0 ]; then return 0; fi
echo "found$found"
stat -c 'stat %f %s %u %g %U:%G' -- "$@" || return 1
set -- ${expected.map(quote).join(" ")}
wanted='' index=0
for path in ${declared.map(({ path }) => quote(path)).join(" ")}; do
  expectation=$1
  shift
  if [ -L "$path" ]; then
    echo "link $index $(readlink -n -- "$path" | base64 -w 0)"
  elif [ -f "$path" ] && [ "$expectation" != - ]; then
    wanted="$wanted$index/$expectation "
    set -- "$@" "$path"
  fi
  index=$((index + 1))
done
if [ $# -eq 0 ]; then return 0; fi
sums=$(sha256sum -- "$@") || return 1
printf '%s\\n' "$sums" | while read -r digest _; do
  digest=\${digest#\\\\}
  next=\${wanted%% *}
  wanted=\${wanted#* }
  expectation=\${next#*/}
  content=-
  if [ "$expectation" != secret ] && [ "$expectation" != "$digest" ] && [ "$(stat -c %s -- "$1")" -le ${maximumShownBytes} ]; then
    content=$(base64 -w 0 -- "$1")
  fi
  echo "file \${next%%/*} $digest $content"
  shift
done
}
# If another resource removes a path meanwhile, the output would not match: read everything again then.
for _ in 1 2 3 4; do
  if seen=$(look 2>/dev/null); then break; fi
  seen=
done
if [ -n "$seen" ]; then printf '%s\\n' "$seen"; else look; fi
`;
  return { script, parse: (output) => parse(output, declared) };
}

function parse(output: string, declared: readonly DeclaredPath[]): FoundPaths {
  const lines = output.split("\n").map((line) => line.split(" "));
  const reported = (word: string) => lines.filter(([first]) => first === word).map(([, ...rest]) => rest);
  const stats = reported("stat");
  const files = new Map(reported("file").map(([index, digest, content]) => [index, { digest, content }]));
  const links = new Map(reported("link").map(([index, target]) => [index, decoded(target).toString("utf8")]));
  const at = new Map<string, FoundPath>();
  for (const [order, index] of (reported("found")[0] ?? []).entries()) {
    const item = declared[Number(index)];
    const stat = stats[order];
    if (!item || !stat) throw new Error(`The host reported path ${index} without its stat`);
    const size = Number(stat[1]);
    const link = links.get(index);
    const file = files.get(index);
    at.set(item.path, {
      ...attributes(item, stat),
      ...(link === undefined ? {} : { target: link }),
      ...(file?.digest ? { digest: file.digest, content: shown(item, file.digest, size, file.content) } : {}),
    });
  }
  const isReported = (word: string) => lines.some(([first]) => first === word);
  return { claimed: isReported("claimed"), cutOff: isReported("cut-off"), at };
}

function decoded(base64 = ""): Buffer {
  return Buffer.from(base64, "base64");
}

function attributes(item: DeclaredPath, stat: readonly string[]): FoundPath {
  const [raw = "", , uid = "", gid = "", ...names] = stat;
  const bits = Number.parseInt(raw, 16);
  const [user = "", group = ""] = names.join(" ").split(":");
  const declared = "owner" in item ? item : { owner: "", group: "" };
  return {
    ...(types.get(bits & 0o170000) ?? { type: "other", what: "something unknown" }),
    mode: (bits & 0o7777).toString(8).padStart(4, "0"),
    owner: named(declared.owner, user, uid),
    group: named(declared.group, group, gid),
  };
}

function named(declared: string, name: string, id: string): string {
  if (declared === id) return id;
  return name === "UNKNOWN" ? id : name;
}

const types = new Map<number, Pick<FoundPath, "type" | "what">>([
  [0o100000, { type: "file", what: "a file" }],
  [0o040000, { type: "directory", what: "a directory" }],
  [0o120000, { type: "link", what: "a symbolic link" }],
  [0o140000, { type: "other", what: "a socket" }],
  [0o060000, { type: "other", what: "a block device" }],
  [0o020000, { type: "other", what: "a character device" }],
  [0o010000, { type: "other", what: "a pipe" }],
]);

function shown(item: DeclaredPath, digest: string, size: number, content = "-"): string {
  if (item.type !== "file") return "";
  if (digest === digestOf(item.content)) return item.content;
  if (item.secret) return "(differs from what is declared)";
  const bytes = decoded(content);
  if (content !== "-" && isUtf8(bytes) && !bytes.includes(0)) return bytes.toString("utf8");
  const kind = content === "-" ? "large" : "binary";
  return `(${kind}, ${size} bytes, sha256 ${digest})`;
}

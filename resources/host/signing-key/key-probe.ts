import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Probe } from "../../../hosts/host.ts";
import { quote } from "../../../hosts/shell.ts";

const primaryKeys = readFileSync(join(import.meta.dirname, "primary-keys.awk"), "utf8");

/** A key pair found in a directory. */
export interface FoundKey {
  readonly fingerprint: string;
  readonly userId: string;
  /** The declared value if it is in effect; otherwise the date, or `never`. `(expired DATE)` after that. */
  readonly expires: string;
  /** Armored. */
  readonly publicKey: string;
  /** Base64. */
  readonly publicKeyBinary: string;
}

/** Finds the key pair in a directory. No agent is started and nothing is written. */
export function keyProbe(directory: string): Probe<FoundKey | undefined> {
  const script = `
directory=${quote(directory)}
if [ ! -e "$directory/pubring.kbx" ] || ! command -v gpg >/dev/null; then exit 0; fi
look() {
  gpg --homedir "$directory" --batch --quiet --no-tty --no-auto-check-trustdb --trust-model always --lock-never "$@" 2>/dev/null
}
fingerprint=$(look --with-colons --with-keygrip --list-keys | awk -F: ${quote(primaryKeys)} |
  while read -r candidate grip; do
    if [ -e "$directory/private-keys-v1.d/$grip.key" ]; then echo "$candidate"; break; fi
  done)
if [ -z "$fingerprint" ]; then exit 0; fi
echo "fingerprint:$fingerprint"
look --with-colons --list-keys "$fingerprint" | grep -E '^(pub|uid):'
if [ -e "$directory/declared-expiry" ]; then echo "expiry:$(cat "$directory/declared-expiry")"; fi
echo "armored:$(look --armor --export "$fingerprint" | base64 -w 0)"
echo "binary:$(look --export "$fingerprint" | base64 -w 0)"
`;
  return { script, parse };
}

function parse(output: string): FoundKey | undefined {
  const lines = output.split("\n").map((line) => line.split(":"));
  const reported = (word: string) => lines.find(([first]) => first === word) ?? [];
  // It is written into configuration files.
  const fingerprint = /^[0-9A-F]{40,64}$/.exec(reported("fingerprint")[1] ?? "")?.[0];
  if (!fingerprint) return undefined;
  const [, validity, , , , , expirySeconds = ""] = reported("pub");
  const expiry = /^\d{1,12}$/.test(expirySeconds) ? expirySeconds : "";
  const [declared = "", reached = ""] = (reported("expiry")[1] ?? "").split(" ");
  const date = expiry ? new Date(Number(expiry) * 1000).toISOString().slice(0, 10) : "never";
  return {
    fingerprint,
    userId: unescaped(reported("uid")[9] ?? ""),
    expires: validity === "e" ? `(expired ${date})` : declared && reached === expiry ? declared : date,
    publicKey: Buffer.from(reported("armored")[1] ?? "", "base64").toString("utf8"),
    publicKeyBinary: reported("binary")[1] ?? "",
  };
}

/** gpg escapes colons and control characters of a user id as \x3a etc. */
function unescaped(text: string): string {
  return text.replaceAll(/\\x([0-9a-f]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}

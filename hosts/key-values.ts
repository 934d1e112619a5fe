import type { Probe } from "./host.ts";
import { sh } from "./shell.ts";

/**
 * Reads values by their keys, all in one round trip: settings of a kernel, of a service, of a database.
 *
 *     host.facts(keyValues(["vm.swappiness"], 'sysctl -n -- "$key"'));
 *
 * @param print A shell command that prints the value of `$key`. If it fails, the key has no value.
 * @returns A probe for the existing values, without trailing line ends.
 */
export function keyValues(keys: readonly string[], print: string): Probe<Readonly<Record<string, string>>> {
  return {
    script: `${sh`set -- ${keys}`}
for key; do
  if value=$(${print}) 2>/dev/null; then printf '%s' "$value" | base64 -w 0; else printf '%s' -; fi
  echo
done`,
    parse: (output) => {
      const lines = output.split("\n");
      return Object.fromEntries(
        keys.flatMap((key, index): [string, string][] => {
          const line = lines[index];
          if (line === undefined || line === "-") return [];
          return [[key, Buffer.from(line, "base64").toString("utf8")]];
        }),
      );
    },
  };
}

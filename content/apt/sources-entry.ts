/**
 * A deb822 entry for a client's `/etc/apt/sources.list.d/NAME.sources` (sources.list(5)).
 *
 * @param entry.signedBy Armored key, included in the entry (apt 2.4 or newer), or the path of a keyring on the client.
 */
export function sourcesEntry(entry: {
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly signedBy: string;
}): string {
  const key = entry.signedBy.trim();
  // Continuation lines start with a blank. An empty line would end the entry, so it is written as a dot.
  const signedBy = key.includes("\n")
    ? `\n${key
        .split(/\r?\n/)
        .map((line) => ` ${line.trim() || "."}`)
        .join("\n")}`
    : ` ${key}`;
  return [
    "Types: deb",
    `URIs: ${entry.url}`,
    `Suites: ${entry.suites.join(" ")}`,
    // A flat repository has no components, and must not have the field.
    ...(entry.components.length > 0 ? [`Components: ${entry.components.join(" ")}`] : []),
    `Architectures: ${entry.architectures.join(" ")}`,
    `Signed-By:${signedBy}`,
    "",
  ].join("\n");
}

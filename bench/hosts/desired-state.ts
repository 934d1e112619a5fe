/** The desired state of every host. All tools get the same JSON. */
export interface DesiredState {
  /** Content by absolute path; owner root, mode 0644. */
  readonly files: Readonly<Record<string, string>>;
  /** Debian packages that must be installed. */
  readonly packages: readonly string[];
  /** Unit files by the unit's name. Each unit is enabled and running. */
  readonly services: Readonly<Record<string, string>>;
}

/** 20 files, 5 packages and 3 services. One file depends on `edition`. */
export function desiredState(edition: number): DesiredState {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  return {
    files: Object.fromEntries(
      numbers(20).map((number) => [
        `/etc/bench/${String(number).padStart(2, "0")}.conf`,
        `# ${number}\n${`setting ${number} = value\n`.repeat(40)}${number === 7 ? `edition = ${edition}\n` : ""}`,
      ]),
    ),
    packages: ["hello", "jq", "tree", "xz-utils", "zstd"],
    services: Object.fromEntries(
      numbers(3).map((number) => [
        `bench-${number}.service`,
        `[Unit]\nDescription=Bench ${number}\n\n[Service]\nExecStart=/usr/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n`,
      ]),
    ),
  };
}

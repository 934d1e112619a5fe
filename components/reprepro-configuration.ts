/** What reprepro has to know of one suite. */
export interface ReproSuite {
  readonly name: string;
  /** Origin, Label, Suite, Codename, Version and Description as upstream has them. */
  readonly header: Readonly<Record<string, string>>;
  /** Whether only selected packages are taken from upstream. */
  readonly filtered: boolean;
  /** Whether packages of the site's own are merged into it. */
  readonly local: boolean;
}

export interface ReproSettings {
  /** The mirror's directory on the host. */
  readonly directory: string;
  readonly suites: readonly ReproSuite[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly sources: boolean;
  readonly installer: boolean;
  readonly contents: boolean;
  /** Whether phased updates are offered to every machine. */
  readonly completePhases: boolean;
  /** Fingerprint of the key that signs upstream. */
  readonly upstreamFingerprint: string;
  /** Fingerprint of the mirror's own key, which signs the list of local packages. */
  readonly fingerprint: string;
}

/**
 * reprepro's configuration files by name. reprepro reads from a view of the verified store on its own
 * disk, so nothing here names upstream's address; the Release files are written after it (see
 * resources/apt-tree/resign.sh), so nothing here signs.
 */
export function reproConfiguration(
  settings: ReproSettings,
): Record<"distributions" | "updates" | "options", string> {
  return {
    distributions: stanzas(settings.suites.map((suite) => distribution(settings, suite))),
    updates: stanzas(
      settings.suites.flatMap((suite) => [
        upstreamRule(settings, suite),
        ...(suite.local ? [localRule(settings, suite)] : []),
      ]),
    ),
    options: "verbose\n",
  };
}

type Stanza = Readonly<Record<string, string | undefined>>;

function distribution(settings: ReproSettings, { name, header, local }: ReproSuite): Stanza {
  return {
    Codename: name,
    Suite: header.Suite,
    Origin: header.Origin,
    Label: header.Label,
    Version: header.Version,
    Architectures: [...settings.architectures, ...(settings.sources ? ["source"] : [])].join(" "),
    Components: settings.components.join(" "),
    UDebComponents: settings.installer ? settings.components.join(" ") : undefined,
    DebIndices: "Packages Release . .gz .xz",
    UDebIndices: settings.installer ? "Packages . .gz .xz" : undefined,
    DscIndices: settings.sources ? "Sources Release . .gz .xz" : undefined,
    Contents: settings.contents ? ".gz" : undefined,
    // The hyphen drops what upstream no longer has.
    Update: `- upstream-${name}${local ? ` local-${name}` : ""}`,
  };
}

function upstreamRule(settings: ReproSettings, { name, filtered }: ReproSuite): Stanza {
  return {
    Name: `upstream-${name}`,
    Method: `file:${settings.directory}/reprepro/view`,
    Suite: name,
    Components: settings.components.join(" "),
    Architectures: [...settings.architectures, ...(settings.sources ? ["source"] : [])].join(" "),
    UDebComponents: settings.installer ? settings.components.join(" ") : "none",
    VerifyRelease: verifyRelease(settings.upstreamFingerprint),
    FilterList: filtered ? `deinstall ${settings.directory}/reprepro/selection/${name}` : undefined,
    FilterSrcList:
      filtered && settings.sources
        ? `deinstall ${settings.directory}/reprepro/selection/${name}.sources`
        : undefined,
    ListShellHook: settings.completePhases ? "sed '/^Phased-Update-Percentage:/d'" : undefined,
    DownloadListsAs: ".xz .gz",
  };
}

function localRule(settings: ReproSettings, { name }: ReproSuite): Stanza {
  return {
    Name: `local-${name}`,
    Method: `file:${settings.directory}/reprepro/local`,
    Suite: name,
    Components: settings.components[0],
    Architectures: settings.architectures.join(" "),
    UDebComponents: "none",
    VerifyRelease: verifyRelease(settings.fingerprint),
    DownloadListsAs: ".",
  };
}

/**
 * reprepro 5.3.1 takes at most 16 hexadecimal digits here; the whole fingerprint was checked before anything
 * reached its view. The plus sign accepts the key's signing subkeys.
 */
function verifyRelease(fingerprint: string): string {
  return `${fingerprint.slice(-16)}+`;
}

function stanzas(list: readonly Stanza[]): string {
  const text = (stanza: Stanza) =>
    Object.entries(stanza)
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([field, value]) => `${field}: ${value}\n`)
      .join("");
  return `# Written by airgapped-maas; changes made here are undone by the next update.\n${list.map(text).join("\n")}`;
}

/** The data of one suite for reprepro. */
interface ReproSuite {
  readonly name: string;
  /** Origin, Label, Suite, Codename, Version and Description as upstream has them. */
  readonly header: Readonly<Record<string, string>>;
}

interface ReproSettings {
  /** The mirror's directory on the host. */
  readonly directory: string;
  readonly suites: readonly ReproSuite[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly sources: boolean;
  readonly installer: boolean;
}

/** Placeholder for the mirror's key. The job that runs reprepro replaces it (mirror-signing.sh). */
const ownKey = "the-key-of-this-mirror";

/**
 * reprepro's configuration files by name. The job writes and signs reprepro's input from upstream's verified indices,
 * reduced to the selection, and removes it afterwards. So the configuration does not contain upstream, and one rule
 * per suite takes everything. The Release files are written after it, so it does not sign.
 */
export function reproConfiguration(
  settings: ReproSettings,
): Record<"distributions" | "updates" | "options", string> {
  return {
    distributions: stanzas(settings.suites.map((suite) => distribution(settings, suite))),
    updates: stanzas(settings.suites.map((suite) => rule(settings, suite))),
    options: "# Written by airgapped-maas.\n",
  };
}

interface Stanza {
  readonly [field: string]: string | undefined;
}

function distribution(settings: ReproSettings, { name, header }: ReproSuite): Stanza {
  return {
    // reprepro identifies suites by their code names; the Release file gets upstream's.
    Codename: name,
    Suite: header.Suite,
    Origin: header.Origin,
    Label: header.Label,
    Version: header.Version,
    Architectures: architecturesOf(settings),
    Components: settings.components.join(" "),
    UDebComponents: settings.installer ? settings.components.join(" ") : undefined,
    // xz itself makes the .xz files: reprepro compresses one index after the other, with the slowest preset.
    DebIndices: "Packages Release . .gz",
    UDebIndices: settings.installer ? "Packages . .gz" : undefined,
    DscIndices: settings.sources ? "Sources Release . .gz" : undefined,
    Update: name,
  };
}

function rule(settings: ReproSettings, { name }: ReproSuite): Stanza {
  return {
    Name: name,
    Method: `file:${settings.directory}/work/reprepro/view`,
    Suite: name,
    Components: settings.components.join(" "),
    UDebComponents: settings.installer ? settings.components.join(" ") : "none",
    Architectures: architecturesOf(settings),
    VerifyRelease: ownKey,
    DownloadListsAs: ".",
  };
}

function architecturesOf({ architectures, sources }: ReproSettings): string {
  return [...architectures, ...(sources ? ["source"] : [])].join(" ");
}

function stanzas(list: readonly Stanza[]): string {
  const text = (stanza: Stanza) =>
    Object.entries(stanza)
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([field, value]) => `${field}: ${value}\n`)
      .join("");
  return `# Written by airgapped-maas; changes made here are undone by the next update.\n${list.map(text).join("\n")}`;
}

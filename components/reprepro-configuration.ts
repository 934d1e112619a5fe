import { indexOfKey, sourceKey } from "../content/apt/index-key.ts";

/** What reprepro has to know of one suite. */
export interface ReproSuite {
  readonly name: string;
  /** Origin, Label, Suite, Codename, Version and Description as upstream has them. */
  readonly header: Readonly<Record<string, string>>;
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
  /** Indices from which something is taken, each as `indexKey` names it. */
  readonly selections: readonly string[];
  /** Whether phased updates are offered to every machine. */
  readonly completePhases: boolean;
  /** Fingerprints of the keys that sign upstream. */
  readonly upstreamFingerprints: readonly string[];
  /** Fingerprint of the mirror's own key, which signs the list of local packages. */
  readonly fingerprint: string;
}

/**
 * reprepro's configuration files by name. reprepro reads from a view of the verified store on its own
 * disk, so nothing here names upstream's address; the Release files are written after it (see
 * resources/apt-tree/resign.sh), so nothing here signs. What is taken from each index is in lists
 * that come with the plan.
 */
export function reproConfiguration(
  settings: ReproSettings,
): Record<"distributions" | "updates" | "options", string> {
  const rules = settings.suites.map((suite) => ({ suite, rules: rulesOf(settings, suite) }));
  return {
    distributions: stanzas(rules.map(({ suite, rules }) => distribution(settings, suite, rules))),
    updates: stanzas(rules.flatMap(({ rules }) => rules)),
    options: "# Written by airgapped-maas.\n",
  };
}

interface Stanza {
  readonly [field: string]: string | undefined;
}

interface Rule extends Stanza {
  readonly Name: string;
}

function distribution(settings: ReproSettings, { name, header }: ReproSuite, rules: readonly Rule[]): Stanza {
  return {
    // reprepro tells suites apart by their code names; the Release file gets upstream's.
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
    // The hyphen drops what upstream no longer has.
    Update: ["-", ...rules.map((rule) => rule.Name)].join(" "),
  };
}

function rulesOf(settings: ReproSettings, { name, local }: ReproSuite): Rule[] {
  const upstream = {
    Method: `file:${settings.directory}/reprepro/view`,
    Suite: name,
    VerifyRelease: verifyRelease(settings.upstreamFingerprints),
    DownloadListsAs: ".xz .gz .bz2 .",
  };
  const lists = `${settings.directory}/reprepro/selection`;
  const binaries = settings.selections
    .map((selection) => ({ selection, index: indexOfKey(selection) }))
    .filter(({ index }) => index.suite === name)
    .map(({ selection, index: { component, architecture } }) => {
      return {
        // Of names that are joined with a hyphen, two could be one: suites and components have hyphens.
        Name: `${name}:${component}:${architecture}`,
        ...upstream,
        Components: component,
        UDebComponents: "none",
        // What an index for all architectures has goes into that of each.
        Architectures:
          architecture === "all"
            ? settings.architectures.map((each) => `all>${each}`).join(" ")
            : architecture,
        FilterList: `deinstall ${lists}/${selection}`,
        ListShellHook: settings.completePhases ? "sed '/^Phased-Update-Percentage:/d'" : undefined,
      };
    });
  const sources = {
    Name: `${name}:sources`,
    ...upstream,
    Components: settings.components.join(" "),
    UDebComponents: "none",
    Architectures: "source",
    FilterSrcList: `deinstall ${lists}/${sourceKey(name)}`,
  };
  const installer = {
    Name: `${name}:installer`,
    ...upstream,
    Components: "none",
    UDebComponents: settings.components.join(" "),
    Architectures: settings.architectures.join(" "),
  };
  const ofTheSite = {
    Name: `${name}:local`,
    Method: `file:${settings.directory}/reprepro/local`,
    Suite: name,
    Components: settings.components[0],
    UDebComponents: "none",
    Architectures: settings.architectures.join(" "),
    VerifyRelease: verifyRelease([settings.fingerprint]),
    DownloadListsAs: ".",
  };
  return [
    ...binaries,
    ...(settings.sources ? [sources] : []),
    ...(settings.installer ? [installer] : []),
    ...(local ? [ofTheSite] : []),
  ];
}

/**
 * reprepro 5.3.1 takes at most 16 hexadecimal digits here; the whole fingerprint was checked before anything
 * reached its view. The plus sign accepts the key's signing subkeys.
 */
function verifyRelease(fingerprints: readonly string[]): string {
  return fingerprints.map((fingerprint) => `${fingerprint.slice(-16)}+`).join("|");
}

function stanzas(list: readonly Stanza[]): string {
  const text = (stanza: Stanza) =>
    Object.entries(stanza)
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([field, value]) => `${field}: ${value}\n`)
      .join("");
  return `# Written by airgapped-maas; changes made here are undone by the next update.\n${list.map(text).join("\n")}`;
}

/* Rules by which reprepro 5.3.1 and 5.3.2 refuse a package (checks.c, checksums.c, binaries.c). */

/** Values of a package from an index or a control file. */
interface Given {
  readonly name: string;
  readonly version: string;
  /** Undefined if it is invalid. */
  readonly source: string | undefined;
  /** Undefined for sources. */
  readonly architecture?: string;
  /** As spelled in the index. */
  readonly md5sum?: string | undefined;
  readonly sha1?: string | undefined;
  readonly sha256?: string | undefined;
}

/** Maximum length of a file name on Linux. Bytes. */
const maximumNameLength = 255;

/** Why reprepro refuses a package; undefined if it does not. */
export function refusedByReprepro(given: Given): string | undefined {
  const { name, version, source, architecture = "" } = given;
  if (!isName(name)) return `its name ${JSON.stringify(name)} has other characters than a-z, 0-9, +, - and .`;
  if (!/^(\d+:[A-Za-z0-9.+~:-]+|[A-Za-z0-9][A-Za-z0-9.+~-]*)$/.test(version))
    return `its version ${JSON.stringify(version)} has other characters than A-Z, a-z, 0-9, ., +, ~ and -`;
  if (source === undefined) return "its Source is invalid";
  if (!isName(source))
    return `its source name ${JSON.stringify(source)} has other characters than a-z, 0-9, +, - and .`;
  if (`${name}_${version}_${architecture}.deb`.length > maximumNameLength)
    return "its name and version are too long for a file name";
  // reprepro compares with digests in lower case.
  for (const [field, digits] of [
    ["md5sum", 32],
    ["sha1", 40],
    ["sha256", 64],
  ] as const) {
    const digest = given[field];
    if (digest !== undefined && (digest.length !== digits || !/^[0-9a-f]*$/.test(digest)))
      return `its ${field} is not ${digits} digits of 0-9 and a-f`;
  }
  return undefined;
}

function isName(text: string): boolean {
  return /^[a-z0-9][a-z0-9.+-]*$/.test(text);
}

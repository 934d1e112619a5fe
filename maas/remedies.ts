/*
 * What to do about MAAS's refusals, by its messages. The patterns are those of maasserver, observed on 3.5 and 3.6 and
 * read in the sources of 3.4 to 3.8. The first match is used.
 */

const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /One of keyring_data or keyring_filename must be specified|submitted file is empty/,
    "Declare the keyring of the image mirror: MAAS requires one even for an unsigned stream.",
  ],
  [
    /Only one of keyring_filename or keyring_data/,
    "Declare a keyring's content or its path on the region host, not both.",
  ],
  [
    /has no available images for download|No available images to download/,
    "MAAS has not found this in the source's index. Check that the mirror offers it, and that the keyring is the mirror's and not armored: MAAS does not report a wrong keyring.",
  ],
  [/with this Url already exists/, "Adopt the boot source that has this URL, or delete it first."],
  [
    /selection with this Boot source, Os and Release already exists/,
    "Adopt the existing selection: MAAS itself creates one for its default release.",
  ],
  [
    /Unable to delete .*(operating system used|ephemeral environments)/,
    "Set commissioning_distro_series to another release and import that first, or delete the whole boot source.",
  ],
  [
    /is not a valid (commissioning_distro_series|osystem|default_osystem|default_distro_series|release)/,
    "MAAS accepts only releases whose images are imported: let this resource depend on the boot source of that release, and see `maas PROFILE boot-resources read`.",
  ],
  [
    /Enter a valid (URL|repository URL)/,
    "MAAS accepts http, https and ftp URLs whose host has a dot in its name (or is an address or localhost), without underscores, of at most 200 characters.",
  ],
  [/Ensure this value has at most/, "Shorten the value."],
  [/Invalid IP address/, "Declare addresses: MAAS does not resolve names here."],
  [
    /Item 1 in the array did not validate/,
    "A form cannot clear this list. Please report this: it should have been sent as JSON.",
  ],
  [
    /This is a custom repository/,
    "disabledComponents is for main_archive and ports_archive only. For other repositories declare components.",
  ],
  [
    /This is a default Ubuntu repository/,
    "Declare disabledComponents for main_archive and ports_archive; components is for other repositories.",
  ],
  [/Default repositories may not be disabled/, "main_archive and ports_archive are always enabled."],
  [
    /Cannot delete default Ubuntu archives/,
    "main_archive and ports_archive cannot be deleted. Change their URLs instead.",
  ],
  [/valid config setting/, "This version of MAAS has no such setting: remove it from the declaration."],
  [/is a reserved name/, "Give the image another name: names of images from boot sources are reserved."],
  [
    /does not match given SHA256|Too much data received/,
    "Upload the file again, and make sure that nothing writes to it meanwhile.",
  ],
  [
    /reserved for admin users|not allowed access to this API|does not have permission/,
    "Use the API key of an administrator: declare one as maas.user (or its key as maas.apiKey).",
  ],
];

const byStatus: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [/^403$/, "Use the API key of an administrator: declare one as maas.user (or its key as maas.apiKey)."],
  [/^404$/, "It was deleted just now: run the update again."],
  [/^409$/, "Wait until MAAS has finished its operation on it, then run the update again."],
  [/^410$/, "This MAAS is older than 2.0 or not MAAS: use MAAS 3.4 or newer."],
  [
    /^(429|50[234])$/,
    "Check on the region host that MAAS runs (`snap services maas` or `systemctl status maas-regiond`), then run the update again: it continues where it stopped.",
  ],
  [
    /^5/,
    "See regiond's log on the region host (`journalctl -u snap.maas.pebble` or `-u maas-regiond`, or /var/log/maas/regiond.log), and its free disk space.",
  ],
  [/./, "Correct the declared value that it is about, then run the update again."],
];

export function remedyFor(status: number, text: string): string {
  const known = remedies.find(([pattern]) => pattern.test(text));
  const fallback = byStatus.find(([pattern]) => pattern.test(String(status)));
  return (known ?? fallback)?.[1] ?? "";
}

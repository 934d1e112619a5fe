/*
 * What to do about MAAS's refusals, by its own words: the forms of maasserver, seen on 3.5 and 3.6 and read for
 * 3.4 to 3.8. The first that matches is said.
 */

const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /One of keyring_data or keyring_filename must be specified|submitted file is empty/,
    "Declare the keyring of the image mirror: MAAS wants one even for an unsigned stream.",
  ],
  [
    /Only one of keyring_filename or keyring_data/,
    "Declare a keyring's content or its path on the region host, not both.",
  ],
  [
    /has no available images for download|No available images to download/,
    "MAAS has not read this from the source's index: see that the mirror offers it, and that the keyring is the mirror's own and not armored, which MAAS does not report.",
  ],
  [/with this Url already exists/, "Take up the boot source that has this URL, or delete it first."],
  [
    /selection with this Boot source, Os and Release already exists/,
    "Take up the selection that is there: MAAS makes one for its default release by itself.",
  ],
  [
    /Unable to delete .*(operating system used|ephemeral environments)/,
    "Set commissioning_distro_series to another release that is imported first, or delete the boot source as a whole.",
  ],
  [
    /is not a valid (commissioning_distro_series|osystem|default_osystem|default_distro_series|release)/,
    "MAAS takes only releases whose images are imported: declare the boot source that brings it as what this depends on, and see `maas PROFILE boot-resources read`.",
  ],
  [
    /Enter a valid (URL|repository URL)/,
    "MAAS takes http, https and ftp URLs whose host has a dot in its name (or is an address or localhost), without underscores, of at most 200 characters.",
  ],
  [/Ensure this value has at most/, "Shorten the value."],
  [/Invalid IP address/, "Name addresses: MAAS resolves no names here."],
  [
    /Item 1 in the array did not validate/,
    "This list cannot be cleared by a form. Please report this: it is sent as JSON otherwise.",
  ],
  [
    /This is a custom repository/,
    "disabledComponents is for main_archive and ports_archive; name the components of other repositories.",
  ],
  [
    /This is a default Ubuntu repository/,
    "Name disabledComponents for main_archive and ports_archive; components is for other repositories.",
  ],
  [/Default repositories may not be disabled/, "main_archive and ports_archive are always enabled."],
  [/Cannot delete default Ubuntu archives/, "main_archive and ports_archive stay; point them elsewhere."],
  [/valid config setting/, "This version of MAAS has no such setting: take it out of the declaration."],
  [/is a reserved name/, "Give the image another name: MAAS keeps those of its boot sources for itself."],
  [
    /does not match given SHA256|Too much data received/,
    "Upload the file anew, and see that nothing writes to it meanwhile.",
  ],
  [
    /reserved for admin users|not allowed access to this API|does not have permission/,
    "Use the API key of an administrator: declare one as maas.user (or its key as maas.apiKey).",
  ],
];

const byStatus: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [/^403$/, "Use the API key of an administrator: declare one as maas.user (or its key as maas.apiKey)."],
  [/^404$/, "Somebody deleted it just now: run the update again."],
  [/^409$/, "Wait until what MAAS is doing with it has ended, then run the update again."],
  [/^410$/, "This MAAS is older than 2.0 or not MAAS: use MAAS 3.4 or newer."],
  [
    /^(429|50[234])$/,
    "See on the region host that MAAS runs (`snap services maas` or `systemctl status maas-regiond`), then run the update again: it goes on where it stopped.",
  ],
  [
    /^5/,
    "See regiond's log on the region host (`journalctl -u snap.maas.pebble` or `-u maas-regiond`, or /var/log/maas/regiond.log), and its disk's room.",
  ],
  [/./, "Correct the declared value that it is about, then run the update again."],
];

export function remedyFor(status: number, text: string): string {
  const said = remedies.find(([pattern]) => pattern.test(text));
  const fallback = byStatus.find(([pattern]) => pattern.test(String(status)));
  return (said ?? fallback)?.[1] ?? "";
}

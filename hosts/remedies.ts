/** What to do about a command's failure, from its output. Undefined if the output says enough. */
export function remedyFor(output: string): string | undefined {
  return remedies.find(([pattern]) => pattern.test(output))?.[1];
}

const remedies: readonly [RegExp, string][] = [
  [
    /^sudo: (a password is required|a terminal is required|.*password)/m,
    "Let the user run everything without a password: `USER ALL=(ALL) NOPASSWD: ALL` in a file of /etc/sudoers.d, made with visudo.",
  ],
  [
    /is not in the sudoers file|is not allowed to (run|execute)|may not run sudo/,
    "Let the user run everything with sudo: `USER ALL=(ALL) NOPASSWD: ALL` in a file of /etc/sudoers.d, made with visudo.",
  ],
  [/sudo: (command )?not found|sudo['’]?: No such file/, "Install sudo on the host, or log in as root."],
  [/^sudo: .*you must have a tty/m, "Remove `Defaults requiretty` from the host's sudoers."],
  [
    /^This account is currently not available/m,
    "Log in as a user with a shell: the shell of this one is nologin. `sudo usermod -s /bin/bash USER` on the host gives it one.",
  ],
  [
    /^This service allows sftp connections only/m,
    "Log in as a user that may run commands: sshd_config allows this one only file transfers (ForceCommand internal-sftp).",
  ],
  [
    /^\S*rbash: |: restricted(: |$)/m,
    "Log in as a user with an ordinary shell: the shell of this one is restricted (rbash). `sudo usermod -s /bin/bash USER` on the host gives it one.",
  ],
  [
    /account (has expired|is expired)/i,
    "Extend the account on the host (`sudo chage -E -1 USER`), or log in as another user.",
  ],
  [
    /(password has expired|change your password)/i,
    "Set a new password for the user on the host (`sudo passwd USER`), or let it not expire (`sudo chage -M -1 USER`).",
  ],
  [
    /not valid (yet|until)|is not valid yet|certificate is not yet valid/i,
    "Set the host's clock (`timedatectl`): it is behind, so something new is not valid yet.",
  ],
  [/No space left on device/, "Free space on that file system (`df -h`, `df -i`), then run this again."],
  [/Disk quota exceeded/, "Raise the quota or free space, then run this again."],
  [
    /Read-only file system/,
    "See why the file system is read-only (`dmesg`, `findmnt`): often a disk error. Mount it writable, then run this again.",
  ],
];

/** What to do about a command's failure, judged by what it said. Undefined where there is nothing to add. */
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
    "Log in as a user with a shell: this one's is nologin. `sudo usermod -s /bin/bash USER` on the host gives it one.",
  ],
  [
    /^This service allows sftp connections only/m,
    "Log in as a user that may run commands: sshd_config allows this one files only (ForceCommand internal-sftp).",
  ],
  [
    /^\S*rbash: |: restricted(: |$)/m,
    "Log in as a user with an ordinary shell: this one's is restricted (rbash). `sudo usermod -s /bin/bash USER` on the host gives it one.",
  ],
  [
    /account (has expired|is expired)/i,
    "Prolong the account on the host (`sudo chage -E -1 USER`), or log in as another user.",
  ],
  [
    /(password has expired|change your password)/i,
    "Set a new password for the user on the host (`sudo passwd USER`), or let it not expire (`sudo chage -M -1 USER`).",
  ],
  [
    /not valid (yet|until)|is not valid yet|certificate is not yet valid/i,
    "Set the host's clock (`timedatectl`): something that was made lately is not valid yet by it.",
  ],
  [/No space left on device/, "Make room on that file system (`df -h`, `df -i`), then run this again."],
  [/Disk quota exceeded/, "Raise the quota or make room, then run this again."],
  [
    /Read-only file system/,
    "See why the file system is read-only (`dmesg`, `findmnt`): often a disk error. Mount it writable, then run this again.",
  ],
];

import { sshConfigFile } from "./destination.ts";
import { sh } from "./shell.ts";

/**
 * The command line that runs a script on a host with OpenSSH's client, as the login user and with this process's
 * configuration. For callers that need a command line, not a connection.
 *
 * @param host As you would type it after `ssh`.
 * @param script Text of a POSIX shell script without the line `end-of-script`.
 */
export function sshCommandLine(host: string, script: string): string {
  const config = sshConfigFile();
  const ssh = sh`ssh ${config ? ["-F", config] : []} -o BatchMode=yes -- ${host} sh -s`;
  return `${ssh} <<'end-of-script'\n${script}\nend-of-script`;
}

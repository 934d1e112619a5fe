import { sshConfigFile } from "./destination.ts";
import { sh } from "./shell.ts";

/**
 * The command line that runs a script on a host by OpenSSH's own client, as its user and with the configuration of this
 * process. For what takes a command line and no connection.
 *
 * @param host As one would type it after `ssh`
 * @param script Text of a POSIX shell script without the line `end-of-script`
 */
export function sshCommandLine(host: string, script: string): string {
  const config = sshConfigFile();
  const ssh = sh`ssh ${config ? ["-F", config] : []} -o BatchMode=yes -- ${host} sh -s`;
  return `${ssh} <<'end-of-script'\n${script}\nend-of-script`;
}

import type { CommandResult } from "../../lab/command.ts";
import type { Lab } from "../../lab/lab.ts";

/**
 * A client of one mirror on a host of the lab: plain apt with its own sources and lists, so that no answer comes from
 * another source. Packages are installed on the host itself.
 */
export class AptClient {
  readonly #lab: Lab;
  readonly #host: string;
  readonly folder: string;

  private constructor(lab: Lab, host: string, name: string) {
    this.#lab = lab;
    this.#host = host;
    this.folder = `/var/tmp/apt-client-${name}`;
  }

  /** @param entry the mirror's output for `/etc/apt/sources.list.d/NAME.sources` */
  static async on(lab: Lab, host: string, name: string, entry: string): Promise<AptClient> {
    const client = new AptClient(lab, host, name);
    await client.use(entry);
    return client;
  }

  async use(entry: string): Promise<void> {
    const { folder } = this;
    await this.#sure(
      `mkdir -p ${folder}/lists/partial ${folder}/archives/partial && cat >${folder}/mirror.sources`,
      entry,
    );
  }

  /** The options that make apt use this client's sources and lists. */
  get options(): string {
    const { folder } = this;
    return [
      `Dir::Etc::SourceList=${folder}/mirror.sources`,
      "Dir::Etc::SourceParts=/dev/null",
      `Dir::State::Lists=${folder}/lists`,
      `Dir::Cache::Archives=${folder}/archives`,
      "Dir::Cache::pkgcache=",
      "Dir::Cache::srcpkgcache=",
      "APT::Sandbox::User=root",
      "Acquire::Retries=0",
      // A warning such as "Some index files failed to download" is an error here.
      "APT::Update::Error-Mode=any",
    ]
      .map((option) => `-o ${option}`)
      .join(" ");
  }

  get(words: string): Promise<CommandResult> {
    return this.#lab.sh(this.#host, `DEBIAN_FRONTEND=noninteractive apt-get -q -y ${this.options} ${words}`);
  }

  /** `apt-get update`, which must succeed. */
  async update(): Promise<void> {
    const { code, stdout, stderr } = await this.get("update");
    if (code !== 0) throw new Error(`apt-get update on ${this.#host}:\n${stdout}${stderr}`);
  }

  /**
   * Downloads and installs a package again, also if it is installed already. Returns the installed version.
   */
  async install(name: string): Promise<string> {
    await this.#sure(
      `rm -f ${this.folder}/archives/*.deb; ! dpkg -s ${name} >/dev/null 2>&1 || dpkg --purge --force-depends ${name}`,
    );
    const { code, stdout, stderr } = await this.get(`--no-install-recommends install ${name}`);
    if (code !== 0) throw new Error(`apt-get install ${name} on ${this.#host}:\n${stdout}${stderr}`);
    return await this.#sure(`dpkg-query -W -f '\${Version}' ${name}`);
  }

  /** The packages that apt could install, sorted, e.g. `jq 1.6-2.1 amd64`. */
  async offered(): Promise<string[]> {
    const lines = await this.#sure(
      `apt-cache ${this.options} dumpavail | awk '/^Package:/ { p = $2 } /^Version:/ { v = $2 } /^Architecture:/ { a = $2 } /^$/ { print p, v, a }' | LC_ALL=C sort -u`,
    );
    return lines.trim().split("\n");
  }

  async #sure(script: string, input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.#lab.sh(
      this.#host,
      script,
      input === undefined ? {} : { input },
    );
    if (code !== 0) throw new Error(`${script} on ${this.#host}:\n${stderr}`);
    return stdout;
  }
}

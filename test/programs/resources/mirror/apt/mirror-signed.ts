import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { reproConfiguration } from "../../../../../resources/mirror/apt/reprepro-configuration.ts";
import { publishScript, restoreScript } from "../../../../../resources/mirror/apt/scripts.ts";
import { observeScript } from "../../../../../resources/mirror/published-tree/scripts.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { startJob } from "../../../../host-on-this-machine.ts";
import { handOverTo, scratchDirectory } from "../published-tree/job-on-this-machine.ts";

/*
 * A mirror with its own signature, on this machine: its real scripts, reprepro and gpg. All its files are uploaded, so a test
 * can send the host data that a correct workstation would never send.
 */

/** A package of an index: the fields of its stanza, and the bytes of its file. */
export interface Offered {
  readonly stanza: string;
  /** The plan's data of its file. */
  readonly path: string;
  readonly bytes: string;
}

/** A suite by the text of each index, `COMPONENT/KIND-ARCHITECTURE`, and the packages selected from it. */
interface OfferedSuite {
  readonly name: string;
  readonly indices: Readonly<Record<string, readonly Offered[]>>;
  /** Names. Default: all names of every index. */
  readonly selected?: readonly string[];
}

/** A package as upstreams have it. `fields` replace or add to its default fields. */
export function offered(
  name: string,
  version = "1.0",
  bytes = `${name} ${version}`,
  fields: Readonly<Record<string, string>> = {},
): Offered {
  const source = fields.Source?.split(" ")[0] ?? name;
  const architecture = fields.Architecture ?? "amd64";
  const path =
    fields.Filename ??
    `pool/main/${source.slice(0, source.startsWith("lib") ? 4 : 1)}/${source}/${name}_${version.replace(/^\d+:/, "")}_${architecture}.deb`;
  const all = {
    Package: name,
    Version: version,
    Architecture: architecture,
    Maintainer: "Nobody <nobody@example.org>",
    Filename: path,
    Size: String(Buffer.byteLength(bytes)),
    SHA256: digestOf(bytes),
    Section: "misc",
    Priority: "optional",
    Description: `is ${name}`,
    ...fields,
  };
  const stanza = Object.entries(all).map(([field, value]) => `${field}: ${value}\n`);
  return { stanza: stanza.join(""), path: path.replace(/^\.\//, "").replace(/\n[\s\S]*/, ""), bytes };
}

type ReproFiles = ReturnType<typeof reproConfiguration>;

const components = ["main", "universe"];

export class SigningMirror {
  readonly root = scratchDirectory("mirror");
  readonly directory = join(this.root, "m");
  readonly #gnupg = join(this.root, "gnupg");
  readonly fingerprint: string;

  constructor() {
    mkdirSync(this.#gnupg, { mode: 0o700 });
    const gpg = (...args: string[]) =>
      execFileSync("gpg", ["--homedir", this.#gnupg, "--batch", "--quiet", ...args], {
        stdio: "pipe",
      }).toString();
    gpg("--passphrase", "", "--quick-generate-key", "mirror", "ed25519", "sign", "never");
    this.fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg("--with-colons", "--list-keys"))?.[1] ?? "";
  }

  close(): void {
    execFileSync("gpgconf", ["--homedir", this.#gnupg, "--kill", "all"]);
    rmSync(this.root, { recursive: true, force: true });
  }

  #settings(suites: readonly string[]) {
    return {
      owner: "m",
      directory: this.directory,
      store: join(this.root, "store"),
      signing: "mirror" as const,
      keep: 3,
      signingKey: {
        directory: this.#gnupg,
        fingerprint: this.fingerprint,
        suites,
        validSeconds: 0,
        completePhases: true,
      },
    };
  }

  uploadTexts(text: string): string {
    const store = join(this.root, "store");
    const digest = digestOf(text);
    return existsSync(join(store, digest.slice(0, 2), digest)) ? digest : handOverTo(store, text);
  }

  /**
   * Publishes suites, optionally with other items in the work list, or with another configuration of
   * reprepro.
   */
  async publish(
    suites: readonly OfferedSuite[],
    more: readonly WorkItem[] = [],
    reconfigured: (configuration: ReproFiles) => ReproFiles = (configuration) => configuration,
  ) {
    const names = suites.map(({ name }) => name);
    const architectures = ["amd64", "arm64"];
    const conf = join(this.directory, "reprepro/conf");
    mkdirSync(conf, { recursive: true });
    const configuration = reproConfiguration({
      directory: this.directory,
      suites: names.map((name) => ({ name, header: { Suite: name, Origin: "Lab", Label: "Lab" } })),
      components,
      architectures,
      sources: suites.some(({ indices }) => Object.keys(indices).some((index) => index.includes("sources-"))),
      installer: suites.some(({ indices }) =>
        Object.keys(indices).some((index) => index.includes("installer-")),
      ),
    });
    for (const [name, text] of Object.entries(reconfigured(configuration)))
      writeFileSync(join(conf, name), text);
    const items: WorkItem[] = [];
    const add = (to: string, text: string) =>
      items.push({ sha256: this.uploadTexts(text), size: Buffer.byteLength(text), from: undefined, to });
    for (const { name, indices, selected } of suites) {
      const key = name.replaceAll("/", ":");
      add(
        `headers/${key}`,
        `Origin: Lab\nLabel: Lab\nSuite: ${name}\nArchitectures: ${architectures.join(" ")}\nComponents: ${components.join(" ")}\n`,
      );
      for (const [index, packages] of Object.entries(indices)) {
        const [component = "", kind = ""] = index.split("/");
        const file = kind.startsWith("sources") ? "Sources" : "Packages";
        add(
          `index/${key}/${component}/${kind}/${file}`,
          packages.map(({ stanza }) => `${stanza}\n`).join(""),
        );
        const all = packages.map(({ stanza }) => /^Package: (.*)/m.exec(stanza)?.[1] ?? "");
        if (kind.startsWith("binary-")) {
          add(
            `selection/${key}/${component}/${kind.slice(7)}`,
            (selected ?? all).map((each) => `${each}\n`).join(""),
          );
        }
        if (kind.startsWith("sources")) add(`sources/${key}`, all.map((each) => `${each}\n`).join(""));
        for (const { path, bytes, stanza } of packages) {
          if (path && (selected ?? all).includes(/^Package: (.*)/m.exec(stanza)?.[1] ?? ""))
            add(`package/${path}`, bytes);
        }
      }
    }
    const list = workListText([...new Map([...items, ...more].map((item) => [item.to, item])).values()]);
    const script = publishScript({
      ...this.#settings(names),
      upstream: "http://127.0.0.1:9",
      fetch: { parallel: 1, stallSeconds: 1 },
      plan: this.uploadTexts(list),
      planText: this.uploadTexts(list),
      summary: this.uploadTexts(JSON.stringify({ signing: "mirror", plan: "p" })),
      contents: this.uploadTexts("{}"),
    });
    return this.run(script, list);
  }

  async run(script: string, list = "") {
    const { code, lines } = await startJob(this.root, script, list).ended;
    return {
      code,
      lines,
      faults: lines.filter((line) => line.startsWith("fault ")).map((line) => line.slice(6)),
    };
  }

  restore(tree: string, suites: readonly string[]) {
    return this.run(
      restoreScript(
        {
          ...this.#settings(suites),
          plan: this.uploadTexts(`served again: ${tree}`),
          summary: this.uploadTexts('{"signing":"mirror"}'),
        },
        tree,
      ),
    );
  }

  get tree(): string {
    return readlinkSync(join(this.directory, "current")).replace("trees/", "");
  }

  trees(): string[] {
    return readdirSync(join(this.directory, "trees")).sort();
  }

  served(path: string, tree = this.tree): string {
    return readFileSync(join(this.directory, "trees", tree, "public", path), "utf8");
  }

  /** The packages of a served index: `NAME VERSION`. */
  listed(index: string): string[] {
    return [...this.served(index).matchAll(/^Package: (.*)\n(?:.*\n)*?Version: (.*)$/gm)].map(
      ([, name, version]) => `${name} ${version}`,
    );
  }

  /** The missing or wrong files of the published snapshot. */
  async faults(): Promise<string[]> {
    return (await this.run(observeScript(this))).lines.slice(5, -1);
  }
}

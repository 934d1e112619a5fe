import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { contentBytes } from "../../lab/images/file-content.ts";
import { tarOf } from "../../lab/images/tar-of.ts";
import type { Lab } from "../../lab/lab.ts";
import { type LabMaas, maasOf } from "../../lab/maas-host.ts";
import { imagesOf, type UpstreamImages } from "../../lab/upstream-images.ts";
import { imageSite } from "./image-site.ts";
import type { Values } from "./stack.ts";

const address = "mirror.datacentre.lab";
const state = "/var/lib/maas-stand-in/state.json";
const ubuntus = ["jammy", "noble"];
/** In bytes. An upload takes three parts. */
const sizes = { rocky9: 1_000_000, golden: 10_000_000 };

/**
 * A lab whose MAAS gets all its images from mirrors: a mirror's images, a custom image in a stream, and an uploaded one. The
 * expected images are declared here. The actual ones are read from its state, not through its API.
 */
export class SuppliedMaas {
  readonly maas: LabMaas;
  readonly images: UpstreamImages;
  readonly #lab: Lab;
  readonly #folder = mkdtempSync(join(tmpdir(), "airgapped-maas-custom-images-"));
  #contents = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.maas = maasOf(lab);
    this.images = imagesOf(lab);
    this.change("rocky9");
    this.change("golden");
  }

  /** The site. `golden` is sent in three parts. */
  site(region: Values = {}): Values {
    return {
      ...imageSite(this.#lab, { images: [{ os: "ubuntu", releases: ubuntus }], serve: { address } }),
      customImages: {
        rocky9: {
          host: "mirror",
          os: "rhel",
          release: "rocky9",
          title: "Rocky Linux 9",
          file: this.#file("rocky9"),
          serve: { address },
        },
        golden: {
          via: "upload",
          os: "custom",
          release: "golden",
          title: "Golden",
          baseImage: "ubuntu/noble",
          file: this.#file("golden"),
        },
      },
      maas: {
        region: { host: "maas", ...region },
        bootSource: { mirror: "images", customImages: ["rocky9"] },
      },
    };
  }

  /** Changes the content of a custom image. Returns its SHA-256. */
  change(image: "rocky9" | "golden"): string {
    const seed = `${image} ${++this.#contents}`;
    const content = contentBytes({ seed, size: sizes[image] });
    writeFileSync(this.#file(image), gzipSync(tarOf("filling", content), { level: 0 }));
    return this.sha256(image);
  }

  sha256(image: "rocky9" | "golden"): string {
    return createHash("sha256")
      .update(readFileSync(this.#file(image)))
      .digest("hex");
  }

  /** MAAS's database, as text. */
  async database(): Promise<string> {
    const { code, stdout, stderr } = await this.#lab.sh("maas", `cat ${state}`);
    if (code !== 0) throw new Error(`reading what MAAS has: ${stderr}`);
    return stdout;
  }

  /**
   * MAAS's sources, selections and all versions of its images, one per line. A version or content that is the declared or
   * upstream's newest one is `wanted`.
   */
  async holds(): Promise<string[]> {
    const {
      bootSources = [],
      selections = [],
      bootResources = [],
    }: Values = JSON.parse(await this.database()).tables;
    const serials = this.images.serials();
    const newest = new Set(Object.values(serials).map((each) => each.at(-1)));
    const own = new Set([this.sha256("rocky9"), this.sha256("golden")]);
    const urls = Object.fromEntries(bootSources.map(({ id, url }: Values) => [id, url]));
    const versions = ({ type, name, architecture, sets }: Values) => {
      const shown = type === "Uploaded" ? sets.slice(-1) : sets;
      return shown.map(({ version, files }: Values) => {
        const isWanted = own.has(files[0]?.sha256) || newest.has(version);
        const isWhole = files.every(({ size, stored }: Values) => size === stored);
        return `${type} ${name} ${architecture} ${isWanted ? "wanted" : version}${isWhole ? "" : ", in part"}`;
      });
    };
    return [
      ...bootSources.map(({ url }: Values) => `source ${url}`),
      ...selections.map(
        ({ bootSourceId, os, release, arches, subarches }: Values) =>
          `selection ${urls[bootSourceId]} ${os}/${release} ${arches} ${subarches}`,
      ),
      ...bootResources.flatMap(versions),
      // MAAS keeps older versions of an upload without their files. No version may be incomplete or a
      // duplicate.
      ...bootResources.flatMap(({ type, name, sets }: Values) => {
        const digests = sets.flatMap(({ files }: Values) => files.map(({ sha256 }: Values) => sha256));
        const inPart = sets.some(({ files }: Values) =>
          files.some(({ size, stored }: Values) => size !== stored),
        );
        return type === "Uploaded" && (inPart || new Set(digests).size !== digests.length)
          ? [`${name} has versions twice or in part: ${JSON.stringify(sets)}`]
          : [];
      }),
    ].sort();
  }

  /** Limits the mirror's bytes per second for each client. 0 means no limit. */
  async throttle(bytesPerSecond: number): Promise<void> {
    const file = "/etc/nginx/conf.d/throttle-of-a-test.conf";
    const { code, stderr } = await this.#lab.sh(
      "mirror",
      bytesPerSecond > 0
        ? `echo 'limit_rate ${bytesPerSecond};' > ${file} && systemctl reload nginx`
        : `rm -f ${file} && systemctl reload nginx`,
    );
    if (code !== 0) throw new Error(`throttling the mirror: ${stderr}`);
  }

  discard(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(image: string): string {
    return join(this.#folder, `${image}.tar.gz`);
  }
}

import { join } from "node:path";
import type { Lab } from "../../lab/lab.ts";
import { repository } from "../../lab/paths.ts";
import type { Values } from "./stack.ts";

/** The site of a lab with a mirror of its images.maas.io on the host `mirror`. */
export function imageSite(lab: Lab, mirror: Values = {}): Values {
  const { upstream, serve, ...rest } = mirror;
  return {
    sshConfig: lab.paths.sshConfig,
    imageMirrors: {
      images: {
        host: "mirror",
        upstream: {
          url: "http://images.maas.io/ephemeral-v3/stable/",
          key: join(repository, ".lab/keys/images.asc"),
          ...upstream,
        },
        images: [
          { os: "ubuntu", releases: ["jammy", "noble"] },
          { os: "centos", releases: ["centos9"] },
        ],
        // The name that MAAS uses. MAAS is not connected to `outside`.
        serve: { address: "mirror", ...serve },
        ...rest,
      },
    },
  };
}

/** A client of the images with the view of MAAS. */
export class ServedImages {
  readonly #url: string;

  constructor(lab: Lab) {
    this.#url = `http://${lab.address("mirror", "outside")}/ephemeral-v3/stable`;
  }

  async status(path: string): Promise<number> {
    return (await fetch(`${this.#url}/${path}`, { method: "HEAD" })).status;
  }

  async bytes(path: string): Promise<Buffer> {
    const answer = await fetch(`${this.#url}/${path}`);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  }

  async text(path: string): Promise<string> {
    return (await this.bytes(path)).toString();
  }

  /** The product files that the index names, without a check of their signatures. */
  async products(): Promise<Values> {
    const index = signed(await this.text("streams/v1/index.sjson"));
    const lists = Object.values<Values>(index.index).map(async ({ path }) => signed(await this.text(path)));
    return Object.assign({}, ...(await Promise.all(lists)).map(({ products }) => products));
  }

  /** The files of a product's newest version: `ftype`, `path`, `size`, `sha256`. */
  async newest(product: string): Promise<Values[]> {
    const versions: Values = (await this.products())[product].versions;
    const serial = Object.keys(versions).sort().at(-1) ?? "";
    return Object.values(versions[serial].items);
  }
}

function signed(text: string): Values {
  return JSON.parse(text.slice(text.indexOf("{"), text.indexOf("-----BEGIN PGP SIGNATURE")));
}

import { setImmediate as pause } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { AptMirror } from "../../../components/apt-mirror/apt-mirror.ts";
import { MaasArchive } from "../../../components/maas/archive.ts";
import { MaasBootSource } from "../../../components/maas/boot-source.ts";

/*
 * Programs with a wrong output, one after the other. Prints as JSON, by the name of each, the messages of the unhandled
 * errors, which the SDK's program host would report, and the resources on hosts that the program declares nevertheless. It
 * is a separate process, because Jest reports such errors as its own.
 */

const [ownCertificate = "", otherKey = ""] = JSON.parse(process.argv[2] ?? "[]");
/** The fields of a mirror that MaasArchive reads. */
class Mirror extends pulumi.ComponentResource {
  readonly url = "http://mirror.example/ubuntu";
  readonly publicKey = pulumi.output("");
  readonly holdings = pulumi.output({ suites: ["noble"], components: ["main"], architectures: ["arm64"] });

  constructor() {
    super("test:index:Mirror", "m");
  }
}

const mirror = { host: "mirror", upstream: { url: "https://a.example/u" }, suites: ["noble"] };
const secret = (value: string) => pulumi.secret(value) as pulumi.Output<string>;
const upstream = (access: object) => ({ ...mirror, upstream: { ...mirror.upstream, ...access } });

const programs: Readonly<Record<string, () => unknown>> = {
  "a list": () => new AptMirror("m", { ...mirror, suites: pulumi.output(["noble", "noble"]) }),
  "a password": () =>
    new AptMirror("m", upstream({ credentials: { username: "u", password: secret("hidden\n") } })),
  "a key": () =>
    new AptMirror(
      "m",
      upstream({ clientCertificate: { certificate: ownCertificate, key: secret(otherKey) } }),
    ),
  "what a mirror holds": () =>
    new MaasArchive("archive", {
      maas: { host: "maas" },
      mainArchive: {
        mirror: new Mirror() as unknown as AptMirror,
      },
    }),
  "a boot source": () =>
    new MaasBootSource("images", { maas: { host: "maas" }, others: pulumi.output({ Other: {} }) as never }),
};

const unhandled = new Set<unknown>();
process.on("unhandledRejection", (error) => unhandled.add(error));
const failures: Record<string, { readonly errors: string[]; readonly declared: string[] }> = {};
for (const [name, program] of Object.entries(programs)) {
  unhandled.clear();
  const declared: string[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, inputs }) => {
        if ("__provider" in inputs) declared.push(name);
        return { id: name, state: inputs };
      },
      call: () => ({}),
    },
    "airgapped-maas",
    "dev",
  );
  program();
  await pulumi.runtime.disconnect().catch(() => {});
  await pause();
  failures[name] = { errors: [...unhandled].map((error) => (error as Error).message), declared };
}
console.log(JSON.stringify(failures));
process.exit();

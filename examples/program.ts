/*
 * A data centre as a program: for what a stack's file cannot say, such as resources on hosts of your own, or values that
 * other resources give. Here, every client gets the mirror's entry for apt.
 */
import * as pulumi from "@pulumi/pulumi";
import { AptMirror } from "airgapped-maas/components/apt-mirror/apt-mirror.ts";
import { configureSsh } from "airgapped-maas/hosts/connections.ts";
import { Files } from "airgapped-maas/resources/host/files.ts";

const config = new pulumi.Config();
// Resources read this setting by themselves. The program has to be told.
configureSsh({ configFile: config.get("sshConfig") });

/** The machines that install from the mirror, as you type them after ssh. */
const clients = ["client.dc1"];

const ubuntu = new AptMirror("ubuntu", {
  host: "mirror.dc1",
  upstream: { url: "http://archive.ubuntu.com/ubuntu" },
  suites: ["noble", "noble-updates", "noble-security"],
  components: ["main", "universe"],
  serve: { address: "mirror.dc1.example" },
  validFor: "30d",
});

for (const client of clients) {
  new Files(`${client}-apt`, {
    host: client,
    files: {
      // An Output: it is known when the mirror is published, and each client is given it then.
      "/etc/apt/sources.list.d/ubuntu-mirror.sources": { content: ubuntu.sourcesEntry },
    },
  });
}

/** Shown by `pulumi stack output`. */
export const url = ubuntu.url;

/*
 * A data centre as a program, for what the file of a stack cannot declare: resources on any host, or values from other
 * resources. In this example, every client gets the mirror's entry for apt.
 */
import * as pulumi from "@pulumi/pulumi";
import { AptMirror } from "airgapped-maas/components/apt-mirror/apt-mirror.ts";
import { configureSsh } from "airgapped-maas/hosts/connections.ts";
import { Files } from "airgapped-maas/resources/host/files.ts";

const config = new pulumi.Config();
// Resources read this setting from the configuration. The program must pass it on.
configureSsh({ configFile: config.get("sshConfig") });

/** Names of the clients, as you type them after ssh. */
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
      // This Output is known when the mirror is published.
      "/etc/apt/sources.list.d/ubuntu-mirror.sources": { content: ubuntu.sourcesEntry },
    },
  });
}

/** `pulumi stack output` shows it. */
export const url = ubuntu.url;

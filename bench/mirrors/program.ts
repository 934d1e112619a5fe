import * as pulumi from "@pulumi/pulumi";
import { AptMirror } from "../../components/apt-mirror/apt-mirror.ts";
import { configureSsh } from "../../hosts/connections.ts";
import type { Layout } from "./upstream-archive.ts";

/* The Pulumi program that declares one mirror of the bench's archive. */

const config = new pulumi.Config();
configureSsh({ configFile: config.require("sshConfig") });
const { suites, components } = config.requireObject<Layout>("layout");
const signing = config.require<"mirror" | "upstream">("signing");

// The stacks of both mirrors have one name, so the mirrors need two: names on the host are made of both.
const mirror = new AptMirror(signing, {
  host: "mirror",
  upstream: { url: config.require("upstream"), key: config.require("key") },
  suites: [...suites],
  components: [...components],
  architectures: ["amd64"],
  signing,
  // A separate store, so that every mirror fetches all files.
  directory: `/srv/bench/${signing}`,
  serve: { path: `/${signing}`, address: "mirror" },
});

export const { contents, url } = mirror;

import * as pulumi from "@pulumi/pulumi";
import { ImageMirror } from "../../components/image-mirror/image-mirror.ts";
import { configureSsh } from "../../hosts/connections.ts";
import { architectures, centosReleases, releases, versions } from "./upstream-stream.ts";

/* The Pulumi program that declares a mirror of the bench's stream. */

const config = new pulumi.Config();
configureSsh({ configFile: config.require("sshConfig") });

const mirror = new ImageMirror("bench", {
  host: "mirror",
  upstream: { url: config.require("upstream"), key: config.require("key") },
  images: [
    { os: "ubuntu", releases, architectures },
    { os: "centos", releases: centosReleases },
  ],
  keepVersions: versions,
  directory: "/srv/bench/images",
  serve: { address: "mirror" },
});

export const { url, serials } = mirror;

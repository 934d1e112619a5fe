import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { configureSsh } from "../../hosts/connections.ts";
import { Files } from "../../resources/host/files.ts";
import { Packages } from "../../resources/host/packages.ts";
import { Services } from "../../resources/host/services.ts";
import type { DesiredState } from "./desired-state.ts";

/* The Pulumi program that declares a desired state on some hosts. */

const config = new pulumi.Config();
configureSsh({ configFile: config.require("sshConfig") });
const state: DesiredState = JSON.parse(readFileSync(config.require("desiredState"), "utf8"));

for (const host of config.require("hosts").split(",")) {
  new Files(`${host}-files`, {
    host,
    files: Object.fromEntries(Object.entries(state.files).map(([path, content]) => [path, { content }])),
  });
  new Packages(`${host}-packages`, {
    host,
    packages: Object.fromEntries(state.packages.map((name) => [name, "installed"])),
  });
  new Services(`${host}-services`, {
    host,
    services: Object.fromEntries(Object.entries(state.services).map(([name, unit]) => [name, { unit }])),
  });
}

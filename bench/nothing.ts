import { dynamic } from "@pulumi/pulumi";

/*
 * A Pulumi program with as many resources as a mirror has, but without work. It measures the time of the CLI, the SDK
 * and the SDK's provider.
 */

const nothing: dynamic.ResourceProvider = {
  async create(): Promise<dynamic.CreateResult> {
    return { id: "nothing", outs: {} };
  },
};

for (const name of ["packages", "key", "configuration", "contents", "services"]) {
  new (class extends dynamic.Resource {})(nothing, name, {});
}

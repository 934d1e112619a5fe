import { dynamic } from "@pulumi/pulumi";

/*
 * A Pulumi program with as many resources as a mirror has that do nothing: what it takes is what the CLI, the SDK
 * and its provider take.
 */

const nothing: dynamic.ResourceProvider = {
  async create(): Promise<dynamic.CreateResult> {
    return { id: "nothing", outs: {} };
  },
};

for (const name of ["packages", "key", "configuration", "contents", "services"]) {
  new (class extends dynamic.Resource {})(nothing, name, {});
}

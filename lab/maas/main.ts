import { once } from "node:events";
import { rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { controlServer } from "./control.ts";
import { ensureDefaultSource } from "./images/default-source.ts";
import { ImageWorker } from "./images/worker.ts";
import { Maas } from "./maas.ts";
import { regionServer } from "./server.ts";
import { type ApiKey, Store } from "./state.ts";
import { type VersionName, versions } from "./versions.ts";

/*
 * A stand-in for a MAAS region's API. Prints its address when it is ready. Ends on SIGTERM.
 *
 *   node lab/maas/main.ts --port 5240 --host 0.0.0.0 --version 3.6 --admin-key CK:TK:TS --state /var/lib/maas.json
 */

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    /** 0 selects a free port. */
    port: { type: "string", default: "5240" },
    version: { type: "string", default: "3.6" },
    /** Keys may also be in the environment. There, process listings do not show them. */
    "admin-key": { type: "string", default: process.env.MAAS_ADMIN_KEY ?? "" },
    "user-key": { type: "string", default: process.env.MAAS_USER_KEY ?? "" },
    /** The file for the content of MAAS's database. Default: the state is not stored. */
    state: { type: "string" },
    /** The unix socket of the stand-in's own interface. Default: none. */
    control: { type: "string" },
    /** Seconds between the imports that MAAS starts. The first one starts at once. 0 means no imports. */
    "import-interval": { type: "string", default: "3600" },
  },
});

if (!(values.version in versions)) {
  throw new Error(`--version must be one of ${Object.keys(versions).join(", ")}, not ${values.version}.`);
}

const store = new Store(values.state);
if (store.isNew) {
  addUser("admin", true, values["admin-key"]);
  addUser("user1", false, values["user-key"]);
}

const maas = new Maas({ version: values.version as VersionName, store });
const images = new ImageWorker(maas);
maas.images = images;
const importInterval = Number(values["import-interval"]);
if (store.isNew && importInterval > 0) ensureDefaultSource(maas, true);
store.save();
const region = regionServer(maas).listen(Number(values.port), values.host);
await once(region, "listening");
if (values.control !== undefined) {
  rmSync(values.control, { force: true });
  await once(controlServer(maas).listen(values.control), "listening");
}
if (importInterval > 0) images.startTimer(importInterval * 1000);
const { port } = region.address() as AddressInfo;
process.stdout.write(`stand-in for MAAS ${values.version} at http://${values.host}:${port}/MAAS/\n`);

process.on("SIGTERM", () => process.exit(0));

function addUser(username: string, isAdmin: boolean, key: string): void {
  store.state.users.push({ username, email: `${username}@example.com`, isAdmin });
  if (key === "") return;
  const [consumerKey = "", tokenKey = "", tokenSecret = ""] = key.split(":");
  const apiKey: ApiKey = { username, consumerKey, tokenKey, tokenSecret };
  store.state.keys.push(apiKey);
}

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { metadataCache } from "../../../content/metadata-cache.ts";
import { planImages } from "../../../content/simplestreams/plan.ts";
import { readStreamRoots } from "../../../content/simplestreams/streams.ts";

/*
 * node plan-images.ts DIRECTORY: plans a mirror of noble from the stream in a directory. Prints the number of its files and
 * the process's maximum memory in MB, in total and since its start-up was complete.
 */

const [, , directory = ""] = process.argv;
/** VmHWM of proc(5), which is in kB of 1024 bytes. */
const peak = () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;

const before = peak();
const roots = await readStreamRoots({
  url: "http://images.test/stable/",
  fetch: (path) => readFile(join(directory, path)),
  key: join(directory, "key.asc"),
  cache: metadataCache(join(directory, "cache")),
  now: new Date("2026-06-03T00:00:00Z"),
});
const images = [{ os: "ubuntu", releases: ["noble"], architectures: ["amd64"] }];
const { files } = await planImages(roots, { images });
console.log(JSON.stringify({ files: files.length, before, peak: peak() }));

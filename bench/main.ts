import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { ExplainedError } from "../errors/explained-error.ts";
import { command } from "../lab/command.ts";
import { repository } from "../lab/paths.ts";
import { measureHosts } from "./hosts/hosts.ts";
import { measureImages } from "./images/images.ts";
import { measureMirrors } from "./mirrors/mirrors.ts";
import { type Section, sectionText, writeReport } from "./report.ts";
import { measureScale } from "./scale/scale.ts";

/*
 * node bench/main.ts [hosts|mirrors|scale|images] [--quick] [--dry]
 *
 * Compares this project with other tools on a separate lab. Prints tables and writes docs/performance.md. `--quick`
 * measures everything once. `--dry` does not write the page.
 */

const parts = {
  hosts: (quick: boolean) => measureHosts(quick ? { first: 1, rest: 1 } : { first: 2, rest: 3 }),
  mirrors: (quick: boolean) => measureMirrors(quick ? { first: 1, rest: 1 } : { first: 2, rest: 3 }),
  scale: (quick: boolean) => measureScale(quick ? 1 : 3),
  images: (quick: boolean) => measureImages(quick ? { first: 1, rest: 1 } : { first: 2, rest: 3 }),
} as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, dry: { type: "boolean", default: false } },
});
const wanted = positionals.length > 0 ? positionals : Object.keys(parts);

for (const name of wanted) {
  if (!Object.hasOwn(parts, name)) {
    throw new ExplainedError({
      step: "choosing what to measure",
      found: `no part is called ${name}`,
      remedy: `Name one or more of: ${Object.keys(parts).join(", ")}.`,
    });
  }
}
// The measurements depend on the disk, and virtual disks are sometimes slow.
const fileSystem = (await command(["stat", "--file-system", "--format=%T", repository])).trim();
for (const name of wanted) {
  const made = `make bench ARGS="${[name, ...(values.quick ? ["--quick"] : [])].join(" ")}"`;
  const [processor] = cpus();
  const machine = `${new Date().toISOString().slice(0, 10)}, on ${cpus().length} processors (${processor?.model.trim()}), Node ${process.version}, files on ${fileSystem}`;
  const section: Section = {
    ...(await parts[name as keyof typeof parts](values.quick)),
    command: made,
    machine,
  };
  console.log(`${sectionText(section)}\n`);
  if (!values.dry) writeReport([section]);
}

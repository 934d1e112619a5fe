/**
 * Writes the state of a stack with every kind of resource to VERSION.json. Later releases must be able to
 * read it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labDown, labUp } from "../../../lab/lab.ts";
import { repository } from "../../../lab/paths.ts";
import { succeeded } from "../../e2e/stack.ts";
import { hosts, stackOfEveryKind } from "./every-kind.ts";
import { stateFile } from "./states.ts";
import { UnpackedRelease } from "./unpacked.ts";

const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string };
const file = stateFile(version);
if (existsSync(file)) throw new Error(`${file} exists: the state of a release is recorded once`);

const lab = await labUp("release", { hosts });
const release = new UnpackedRelease();
try {
  const stack = await stackOfEveryKind(release, lab);
  succeeded(await stack.up());
  const exported = await stack.ok(["stack", "export", "--stack", stack.name]);
  // These are paths on this workstation, which no update reads.
  const state = JSON.parse(exported, (key, value) =>
    ["sourcePosition", "stackTrace"].includes(key) ? undefined : value,
  );
  writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`);
  stack.discard();
} finally {
  release.discard();
  await labDown("release");
}
console.log(`wrote ${file}`);

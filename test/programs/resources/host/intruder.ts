import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runHere } from "../../../host-on-this-machine.ts";

/** The user `nobody`. */
export const intruder = 65_534;

const programs = [..."cat chmod chown find id ln mkdir mv rm rmdir stat sync tar touch".split(" ")] as const;

/**
 * A directory of another user, who replaces what root makes there by links to root's files: before root's script starts
 * its nth program.
 */
export class Intrusion {
  readonly directory: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.directory = join(root, "theirs");
    chmodSync(root, 0o711);
    mkdirSync(this.directory);
    chownSync(this.directory, intruder, intruder);
    mkdirSync(join(root, "programs"));
    mkdirSync(join(root, "victims/directory"), { recursive: true });
    writeFileSync(join(root, "victims/directory/ours"), "root's", { mode: 0o600 });
    writeFileSync(join(root, "victims/file"), "root's", { mode: 0o600 });
    writeFileSync(join(root, "swap"), swap, { mode: 0o755 });
    for (const program of programs) {
      const path = execFileSync("which", [program], { encoding: "utf8" }).trim();
      const wrapper = `#!/bin/sh
count=$(($(/bin/cat "$COUNT") + 1))
echo "$count" >"$COUNT"
if [ "$count" -eq "$INTRUDE_AT" ]; then
  setpriv --reuid ${intruder} --regid ${intruder} --clear-groups env PATH=/usr/bin:/bin sh "$INTRUSION"
fi
exec ${path} "$@"
`;
      writeFileSync(join(root, "programs", program), wrapper, { mode: 0o755 });
    }
  }

  /**
   * Runs a script, and the intruder puts a link in the place of a name in the directory before the nth program.
   *
   * @returns Whether there was an nth program.
   */
  async at(nth: number, name: string, victim: "file" | "directory", script: string): Promise<boolean> {
    const count = join(this.#root, "count");
    writeFileSync(count, "0\n");
    const settings = {
      COUNT: count,
      INTRUDE_AT: nth,
      INTRUSION: join(this.#root, "swap"),
      DIRECTORY: this.directory,
      NAME: name,
      VICTIM: join(this.#root, "victims", victim),
    };
    const exported = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'`);
    await runHere(`${exported.join("\n")}\nPATH=${join(this.#root, "programs")}:$PATH\n${script}`);
    return Number(readFileSync(count, "utf8")) >= nth;
  }

  /** What only root may change. */
  victims(): string {
    const script = 'cd "$1" && find . -printf "%p %y %m %U:%G\\n" | sort && find . -type f | xargs grep -H .';
    return execFileSync("sh", ["-c", script, "-", join(this.#root, "victims")], { encoding: "utf8" });
  }
}

const swap = `cd "$DIRECTORY" || exit 0
if [ -e "$NAME" ] || [ -L "$NAME" ]; then mv -T -- "$NAME" "moved.$$"; fi
ln -sT -- "$VICTIM" "$NAME"
`;

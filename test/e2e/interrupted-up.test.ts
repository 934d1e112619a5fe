import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { servePublication } from "../../lab/archive/ubuntu.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { until } from "../../lab/until.ts";
import { type Upstream, upstreamOf } from "../../lab/upstream.ts";
import { CuttableConnections, left, saying, type Way, waysToInterrupt } from "./interruption.ts";
import { labSite, type Run, type Running, Stack, succeeded, type Values } from "./stack.ts";

/*
 * An update is interrupted in every way and at many moments. The next update must succeed, and the mirrors must be the
 * same as without an interruption. Upstream has two states, the first publication and a later one. Each stack makes its
 * mirrors from the first and updates them to the second, with an interruption of both updates. One mirror has upstream's
 * signature and one its own. Each has a separate store, so that all files are fetched again.
 */

const name = "e2e-interrupted";
const signers = ["upstream", "mirror"] as const;
let lab: Lab;
let upstream: Upstream;
let connections: CuttableConnections;
/** The result of uninterrupted updates, for each state of upstream. */
let expected: { readonly first: string[]; readonly later: string[] };
/** Duration of an uninterrupted update, in seconds. */
let durations: { readonly first: number; readonly later: number };

beforeAll(async () => {
  await labDown(name); // remains of a killed run would be in the result
  lab = await labUp(name, { hosts: ["upstream", "mirror", "mirror2"] });
  upstream = upstreamOf(lab);
  await upstream.release({ package: "bc", version: "9.1" });
  connections = await CuttableConnections.to(lab, ["mirror"]);

  // From here on, the host has the packages that mirrors need.
  const stack = await newStack();
  try {
    serveState("first");
    succeeded(await stack.up());
    const again = await newStack();
    const first = succeeded(await again.up());
    const held = await Promise.all(signers.map((signing) => treeOf(again, signing)));
    serveState("later");
    const later = succeeded(await again.up());
    expected = { first: held, later: await Promise.all(signers.map((signing) => treeOf(again, signing))) };
    durations = { first: first.seconds, later: later.seconds };
    again.discard();
  } finally {
    stack.discard();
  }
  expect(expected.later).not.toEqual(expected.first);
}, 180_000);

afterAll(async () => {
  await connections?.close();
  await labDown(name);
}, 120_000);

/** Upstream's first publication, or its present one. */
type State = "first" | "later";
function serveState(state: State): void {
  servePublication(lab.paths.archive, state === "first" ? "0" : "1");
}

let stacks = 0;
/** A new stack with a mirror for each kind of signing. */
async function newStack({
  host = "mirror",
  sshConfig = lab.paths.sshConfig,
  only = signers as readonly (typeof signers)[number][],
} = {}) {
  const stack = await Stack.create({ name: `i${++stacks}` });
  const mirrors: Values = {};
  for (const signing of only) {
    mirrors[signing] = {
      host,
      signing,
      directory: `/srv/${stack.name}/${signing}`,
      suites: ["noble-updates"],
      serve: { path: `/${stack.name}/${signing}` },
      ...(signing === "mirror" ? { filter: { include: ["bc", "tree"] } } : {}),
    };
  }
  stack.configure({ ...labSite(lab, mirrors), sshConfig });
  return stack;
}

/**
 * A mirror's content and integrity, as text. A mirror with its own key signs again each time, so only the stable part is
 * compared: the Release without its date, and whether its signature is valid.
 */
async function treeOf(stack: Stack, signing: string, host = "mirror"): Promise<string> {
  const { code, stdout, stderr } = await lab.sh(
    host,
    `set -e; export LC_ALL=C
    root=/srv/${stack.name}/${signing}; cd $root/current/public
    signed='-name InRelease -o -name Release -o -name Release.gpg -o -name archive-key.*'
    [ ${signing} = mirror ] || signed=-false
    find -L . -type f -not '(' $signed ')' -print0 | sort -z | xargs -0 sha256sum
    if [ ${signing} = mirror ]; then
      for each in dists/*; do
        sed /^Date:/d $each/Release
        gpgv --quiet --keyring ./archive-key.gpg $each/Release.gpg $each/Release 2>/dev/null
        gpgv --quiet --keyring ./archive-key.gpg --output - $each/InRelease 2>/dev/null | cmp - $each/Release
      done
    fi
    cut -f3 $root/current/summary.json | grep -o '"plan":"[^"]*"'
    cd $root
    # Not STORE/*.new.PID: an incomplete text in the store is deleted with the unlinked files, an hour later.
    cut -f1,4 current/listing | sed 's/\\t/  /' | sha256sum --check --quiet
    cut -f4 current/listing | wc -l
    echo left: $(find . -path ./work -o -name unfinished -o -name '*.new' -o -name '.airgapped-maas.*')`,
  );
  if (code !== 0)
    throw new Error(`the tree of ${stack.name}/${signing} is not sound: ${stdout.slice(-300)} ${stderr}`);
  return stdout;
}

interface Moment {
  readonly label: string;
  /** Makes upstream serve packages slowly until the moment is reached. */
  readonly slow?: boolean;
  reached(run: Running, seconds: number): Promise<void>;
}

/** After this part of an update's usual duration. */
function after(fraction: number): Moment {
  return {
    label: `at ${fraction * 100} % of its usual time`,
    reached: (_run, seconds) => new Promise((resolve) => setTimeout(resolve, fraction * seconds * 1000)),
  };
}

/** When the update prints this text. */
function at(line: RegExp, { slow = false } = {}): Moment {
  return {
    label: `when it prints ${line.source}`,
    slow,
    reached: (run) => saying(run, line),
  };
}

/** Starts an update, and runs an action at a moment. */
async function interrupted(
  stack: Stack,
  state: State,
  moment: Moment,
  interrupt: (run: Running) => unknown,
): Promise<Run> {
  serveState(state);
  if (moment.slow) await upstream.tamper("slow");
  const run = stack.start("up", "--yes", "--skip-preview");
  try {
    await moment.reached(run, durations[state]);
    await interrupt(run);
    return await run.done;
  } finally {
    if (moment.slow) {
      await upstream.restore();
      serveState(state);
    }
  }
}

const ways: Record<string, Way> = waysToInterrupt(
  () => lab,
  () => connections,
);

const firstMoments = [
  after(0.3),
  at(/SigningKey .* creating/),
  at(/upstream-configuration creating/),
  at(/fetching \d+ files/, { slow: true }),
  at(/assembling the snapshot/),
];
const laterMoments = [
  after(0.2),
  after(0.5),
  at(/-contents updating/),
  at(/fetched \d/, { slow: true }),
  at(/published 0/),
];

/** `signing` is a kind of mirror that has these moments. */
const pairs = firstMoments.map((first, index) => ({
  first,
  later: laterMoments[index] as Moment,
  signing: index === 2 || index === 3 ? ("upstream" as const) : ("mirror" as const),
}));

/** Each moment with a kill of the CLI and both mirrors, and with at least one of the other ways and one mirror. */
const tried: Readonly<Record<string, typeof pairs>> = {
  "SIGKILL of the CLI": pairs,
  "SIGKILL of the provider": pairs.filter((_, index) => index % 2 === 0),
  "cut SSH connections": pairs.filter((_, index) => index % 2 === 1),
  "a reboot of the host": pairs.filter((_, index) => index === 3),
};

describe.each(Object.entries(ways))("after an interruption by %s", (way, { interrupt, tidy }) => {
  const sshConfig = () => (way === "cut SSH connections" ? connections.sshConfig : lab.paths.sshConfig);

  test.each(tried[way] ?? pairs)(
    "of a first update $first.label, and of a later one $later.label: the next update completes the mirrors",
    async ({ first, later, signing }) => {
      const only = way === "SIGKILL of the CLI" ? signers : ([signing] as const);
      const stack = await newStack({ sshConfig: sshConfig(), only });
      for (const [state, moment] of [
        ["first", first],
        ["later", later],
      ] as const) {
        const { code } = await interrupted(stack, state, moment, (run) => interrupt(run, "mirror"));
        // A kill that was too late did not interrupt anything. An update may survive a short loss of its
        // connection.
        expect(way.startsWith("SIGKILL") && code === 0).toBe(false);
        await tidy?.(stack, "mirror");
        succeeded(await stack.up());
        for (const each of only)
          expect(await treeOf(stack, each)).toBe(expected[state][signers.indexOf(each)]);
      }
      stack.discard();
    },
    120_000,
  );
});

describe("when the installation of packages on a fresh host is interrupted", () => {
  const installed = () => lab.sh("mirror2", "dpkg-query -W -f '${Package} ${Status}\\n' | sort");

  test.each(Object.entries(ways).filter(([way]) => way !== "cut SSH connections"))(
    "by %s: the next update installs the packages and makes the mirror",
    async (way, { interrupt, tidy }) => {
      const before = await installed();
      const stack = await newStack({ host: "mirror2", only: ["mirror"] });
      const moment = at(/Unpacking reprepro|Setting up nginx/);
      const { code } = await interrupted(stack, "first", moment, (run) => interrupt(run, "mirror2"));
      expect(way.startsWith("SIGKILL") && code === 0).toBe(false);
      await tidy?.(stack, "mirror2");
      succeeded(await stack.up());
      expect((await lab.sh("mirror2", "dpkg --audit; systemctl is-active nginx")).stdout).toBe("active\n");
      expect(await treeOf(stack, "mirror", "mirror2")).toBe(expected.first[1]);
      // The first state again, for the next stack.
      succeeded(await stack.destroy());
      await lab.sh("mirror2", "apt-get -y autoremove --purge");
      expect((await installed()).stdout).toBe(before.stdout);
      stack.discard();
    },
    120_000,
  );
});

test("Ctrl-C ends an update after its running operations, and the next update completes the mirrors", async () => {
  const stack = await newStack();
  // As a terminal does: the signal goes to the CLI's whole process group.
  const run = await interrupted(stack, "first", at(/fetching \d+ files/, { slow: true }), ({ child }) =>
    process.kill(-(child.pid as number), "SIGINT"),
  );
  expect(run.code).not.toBe(0);
  await until("the end of all that the CLI had started", 30_000, () => left(stack).length === 0);
  const state = JSON.parse(await stack.ok(["stack", "export", "--stack", stack.name]));
  expect(state.deployment.pending_operations ?? []).toEqual([]);
  succeeded(await stack.up());
  expect(await Promise.all(signers.map((signing) => treeOf(stack, signing)))).toEqual(expected.first);
  stack.discard();
}, 120_000);

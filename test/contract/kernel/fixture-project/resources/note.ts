import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import { resolveDestination } from "../../../../../hosts/connections.ts";
import {
  defineResource,
  PartlyApplied,
  type ResourceContext,
} from "../../../../../resources/kernel/definition.ts";

const schema = z
  .object({
    host: z.string(),
    /** The path of the note on this machine. */
    directory: z.string(),
    text: z.string().default("empty"),
    size: z.number().int().min(1).default(1),
    tags: z
      .record(z.string().startsWith("/", "must be absolute"), z.object({ weight: z.number() }))
      .default({}),
    lines: z.array(z.number()).default([]),
    password: z.string().optional(),
    vault: z.record(z.string(), z.object({ key: z.string(), owner: z.string() })).default({}),
    /** An action during the write. */
    event: z.string().optional(),
  })
  .superRefine((inputs, context) => {
    if (inputs.lines.length > inputs.size) {
      context.addIssue({ code: "custom", path: ["lines"], message: "are more than size allows" });
    }
    if (inputs.password?.includes(" ")) {
      context.addIssue({ code: "custom", path: ["password"], message: `${inputs.password} has a space` });
    }
  });

type Inputs = z.output<typeof schema>;

const outputs = z.object({
  path: z.string(),
  user: z.string().optional(),
  token: z.string().optional(),
  odd: z.unknown().optional(),
  before: z.string().optional(),
});

const cyclic: Record<string, unknown> = {};
cyclic.itself = cyclic;

/** Outputs that a state cannot store. */
const unstorable: Record<string, unknown> = {
  undefined: [undefined],
  Date: new Date(0),
  Map: new Map([["a", 1]]),
  Buffer: { nested: [Buffer.from("a")] },
  NaN: Number.NaN,
  bigint: 1n,
  function: () => 1,
  cyclic,
};

let waiting = 0;
let release: () => void = () => {};
const allHere = new Promise<void>((resolve) => {
  release = resolve;
});

function fileOf(context: ResourceContext, { directory }: Inputs): string {
  return `${directory}/${context.id}.json`;
}

/**
 * A file on this machine, without a connection to its host. During a write it runs the action that was set.
 */
export const note = defineResource({
  kind: "Note",
  version: 3,
  upgrades: {
    1: ({ content, ...rest }) => ({ ...rest, text: content ?? "" }),
    2: ({ length, ...rest }) => ({ ...rest, size: length ?? 1 }),
  },
  inputs: schema,
  outputs,
  identity: ["directory"],
  secrets: ["password", "token", "vault.*.key"],

  async observe(context, declared, outputs) {
    if (declared.event === "fail to look") throw new Error(`cannot look, I have ${declared.password}`);
    const path = fileOf(context, declared);
    const written = await readFile(path, "utf8").catch((error) => {
      if (error.code !== "ENOENT") throw error;
    });
    return written ? { inputs: JSON.parse(written), outputs: { ...outputs, path } } : undefined;
  },

  async preflight(_context, wanted, previous) {
    if (wanted.event !== "refuse the change") return;
    throw new ExplainedError({
      step: "comparing the notes",
      found: `from ${JSON.stringify(previous?.text)} to ${JSON.stringify(wanted.text)}, with ${previous?.password}`,
      remedy: "Keep the note.",
    });
  },

  async apply(context, wanted, _observed, previous) {
    const { event, password, ...inputs } = wanted;
    const path = fileOf(context, wanted);
    context.progress(`writing ${path}`);
    if (event === "tell") {
      context.progress(`passing ${password}`);
      context.warn(`lasting ${password}`);
    }
    if (event === "explain") {
      throw new ExplainedError({
        step: `logging in with ${password}`,
        found: `refused: ${JSON.stringify(password)}`,
        remedy: `Change ${encodeURIComponent(password ?? "")}.`,
        cause: new Error(`caused by ${password}`),
      });
    }
    if (event === "break") throw new Error(`broke with ${password?.split("\n")[1] ?? password}`);
    if (event === "break vault") throw new Error(`broke with ${JSON.stringify(wanted.vault)}`);
    if (event === "stop half-way") {
      await mkdir(wanted.directory, { recursive: true });
      throw new PartlyApplied(new Error(`half of it, ${password}`), {
        path,
        token: "token-1234",
        at: new Date(),
      });
    }
    if (event === "meet sixteen") {
      waiting += 1;
      if (waiting === 16) release();
      await allHere;
    }
    await mkdir(wanted.directory, { recursive: true });
    await writeFile(
      path,
      JSON.stringify({ ...inputs, ...(event && { event }), ...(password && { password }) }),
    );
    if (event === "never end") await new Promise(() => {});
    const odd = event?.startsWith("return ") ? { odd: unstorable[event.slice(7)] } : {};
    const user = event === "meet sixteen" ? { user: (await resolveDestination(wanted.host)).user } : {};
    const before = previous && { before: previous.text };
    return { path, token: "token-1234", ...user, ...odd, ...before };
  },

  async remove(context, declared) {
    if (declared.event === "refuse to go") throw new Error(`stays, ${declared.password}`);
    await rm(fileOf(context, declared), { force: true });
  },
});

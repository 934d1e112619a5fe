import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { hidden } from "../../../resources/kernel/stored-properties.ts";
import { CallFailed, type Properties, ProviderProcess } from "../provider-process.ts";

const project = join(import.meta.dirname, "fixture-project");
const text = 'exports.handler=()=>require("./resources/provider.ts").handler("Note")';
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const secret = 'correct horse\n"battery" staple/%';
const shards = ["correct", "horse", "battery", "staple"];

let directory: string;
let provider: ProviderProcess;
/** As in `pulumi destroy`: it has seen no declaration. */
let destroying: ProviderProcess;
let serial = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kernel-"));
  provider = await ProviderProcess.start(project);
  destroying = await ProviderProcess.start(project);
  for (const each of [provider, destroying]) await each.configure();
});

afterAll(async () => {
  for (const each of [provider, destroying]) await each.close();
  await rm(directory, { recursive: true });
});

let name: string;
let urn: string;
beforeEach(() => {
  name = `n${serial++}`;
  urn = `urn:pulumi:dev::p::pulumi-nodejs:dynamic/airgapped-maas:Note::${name}`;
});

function declared(inputs: Properties = {}): Properties {
  return {
    host: "h1",
    directory,
    ...inputs,
    [hidden.provider]: text,
    [hidden.name]: name,
    [hidden.urn]: urn,
  };
}

async function created(inputs: Properties = {}) {
  const checked = await provider.check(declared(inputs));
  expect(checked.failures).toEqual([]);
  return { checked: checked.inputs, ...(await provider.create(checked.inputs)) };
}

async function failure(call: Promise<unknown>): Promise<CallFailed> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof CallFailed)) throw new Error("the call did not fail as expected", { cause: error });
  return error;
}

describe("a declaration", () => {
  test("gets its defaults and keeps the code text of its provider", async () => {
    const { inputs, failures } = await provider.check(declared());
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({ text: "empty", size: 1, tags: {}, lines: [], [hidden.provider]: text });
  });

  test("can have unknown values in every place, and the other keys get their defaults", async () => {
    const unknowns = {
      text: unknown,
      size: unknown,
      tags: { "/a": { weight: unknown }, "/b": unknown },
      lines: [1, unknown, 3],
      vault: unknown,
    };
    const { inputs, failures } = await provider.check(declared(unknowns));
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject(unknowns);
    const other = await provider.check(declared({ size: unknown }));
    expect(other.inputs).toMatchObject({ size: unknown, text: "empty", tags: {} });
  });

  test("is refused where it is wrong, even if other values are unknown", async () => {
    const wrong = {
      text: unknown,
      size: 0,
      tags: { "/a": { weight: "x" }, "/b": { weight: unknown } },
      typo: 1,
    };
    const { failures } = await provider.check(declared(wrong));
    expect(failures.map(({ reason }) => reason.split(" ")[0]).sort()).toEqual([
      "size",
      'tags["/a"].weight',
      "typo",
    ]);
  });

  test("is checked by rules across keys only when all values are known", async () => {
    expect((await provider.check(declared({ lines: [1, 2], size: unknown }))).failures).toEqual([]);
    expect((await provider.check(declared({ lines: [1, 2] }))).failures).toEqual([
      { property: "", reason: "lines are more than size allows" },
    ]);
  });

  test("keeps the name under which it was first declared", async () => {
    const { inputs } = await provider.check(declared(), { [hidden.name]: "first" });
    expect(inputs[hidden.name]).toBe("first");
  });
});

describe("a resource", () => {
  test("is created, updated, read and deleted", async () => {
    const one = await created({ text: "a" });
    expect(one.properties).toMatchObject({ ...one.checked, [hidden.version]: 3, token: "token-1234" });
    const { inputs } = await provider.check(declared({ text: "b" }), one.checked);
    const updated = await provider.update(one.id, one.properties, inputs);
    expect(updated).toMatchObject({ text: "b", before: "a", [hidden.provider]: text });
    const read = await provider.read(one.id, updated);
    expect(read).toMatchObject({ id: one.id, inputs, properties: { ...updated, [hidden.provider]: text } });
    expect(read.inputs[hidden.provider]).toBe(text);
    await destroying.delete(one.id, read.properties);
    expect(existsSync(one.properties.path)).toBe(false);
    expect((await provider.read(one.id, read.properties)).id).toBe("");
  });

  test("that another person changed has the observed values as inputs after a read", async () => {
    const { id, properties } = await created({ text: "a" });
    const written = JSON.parse(await readFile(properties.path, "utf8"));
    await writeFile(properties.path, JSON.stringify({ ...written, text: "by hand" }));
    const read = await provider.read(id, properties);
    expect([read.inputs.text, read.properties.text]).toEqual(["by hand", "by hand"]);
    expect((await provider.diff(id, read.properties, properties)).changes).toBe("unknown");
  });

  test("is created at the same time as 15 others, and all of them are configured", async () => {
    const config = join(directory, "ssh_config");
    await writeFile(config, "Host *\n  HostName 127.0.0.1\n  User configured\n");
    const other = await ProviderProcess.start(project);
    try {
      await other.configure({ "airgapped-maas:sshConfig": config });
      const inputs = { text: "", size: 1, tags: {}, lines: [], vault: {}, event: "meet sixteen" };
      const all = await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          other.create({ ...declared(inputs), [hidden.name]: `sixteen-${index}` }),
        ),
      );
      expect(all.map(({ properties }) => properties.user)).toEqual(Array(16).fill("configured"));
    } finally {
      await other.close();
    }
  }, 30_000);
});

describe("a difference", () => {
  const olds = (): Properties => ({
    ...declared({ text: "a", tags: { "/a": { weight: 1 }, "/b": { weight: 2 } } }),
    size: 1,
  });

  test("only in the order of keys or in hidden keys is not reported", async () => {
    const { host, text: note, ...rest } = olds();
    const news: Properties = { ...rest, [hidden.urn]: `${urn}-renamed`, text: note, host };
    news.tags = { "/b": { weight: 2 }, "/a": { weight: 1 } };
    const stored = { ...olds(), [hidden.version]: 3, path: "/x", token: "t" };
    expect((await provider.diff("i", stored, news)).changes).toBe("none");
  });

  test("is reported as unknown, so that the engine shows it", async () => {
    const diff = await provider.diff("i", { ...olds(), [hidden.version]: 3 }, { ...olds(), text: "b" });
    expect(diff).toEqual({ changes: "unknown", replaces: [], deleteBeforeReplace: false });
  });

  test("in the host creates the new resource before the old one is deleted", async () => {
    const diff = await provider.diff(
      "i",
      { ...olds(), [hidden.version]: 3 },
      { ...olds(), host: "h2", directory: "/d" },
    );
    expect(diff).toMatchObject({ replaces: ["host", "directory"], deleteBeforeReplace: false });
  });

  test("in a property that identifies the resource on its host deletes the old one first", async () => {
    const diff = await provider.diff("i", { ...olds(), [hidden.version]: 3 }, { ...olds(), directory: "/d" });
    expect(diff).toMatchObject({ replaces: ["directory"], deleteBeforeReplace: true });
  });
});

describe("outputs that the state cannot store", () => {
  test.each(["undefined", "Date", "Map", "Buffer", "NaN", "bigint", "function", "cyclic"])(
    "(%s) do not lose the created resource",
    async (odd) => {
      const { inputs } = await provider.check(declared({ event: `return ${odd}` }));
      const { partial, message } = await failure(provider.create(inputs));
      expect(message).toContain("Note n");
      expect(partial?.id).toBe(`note-${name}`);
      expect(partial?.properties).toMatchObject({ ...inputs, token: "token-1234", [hidden.version]: 3 });
      expect(partial?.properties).not.toHaveProperty("odd");
      await destroying.delete(partial?.id ?? "", partial?.properties ?? {});
      expect(existsSync(partial?.properties.path)).toBe(false);
    },
  );
});

describe("work that stops half-way", () => {
  test("is recorded in the state, and the next update continues", async () => {
    const { inputs } = await provider.check(declared({ event: "stop half-way" }));
    const { partial } = await failure(provider.create(inputs));
    expect(partial?.properties).toMatchObject({ ...inputs, token: "token-1234", [hidden.provider]: text });
    expect(partial?.properties).not.toHaveProperty("at");
    expect(partial?.reasons).toEqual([expect.stringContaining("half of it")]);
    const id = partial?.id ?? "";
    const next = (await provider.check(declared({ text: "whole" }), inputs)).inputs;
    const updated = await provider.update(id, partial?.properties ?? {}, next);
    expect((await provider.read(id, updated)).inputs.text).toBe("whole");
  });

  test("in an update is recorded in the state too", async () => {
    const { id, properties, checked } = await created({ text: "a" });
    const news = { ...checked, event: "stop half-way" };
    const { partial } = await failure(provider.update(id, properties, news));
    expect(partial).toMatchObject({ id, properties: news });
  });
});

describe("state of another format", () => {
  const inOldFormat = ({ text: content, size: length, ...rest }: Properties): Properties => ({
    ...rest,
    content,
    length,
  });

  /** In the format of the first release: `content` for text, `length` for size, and no version in the inputs. */
  async function old() {
    const { id, properties, checked } = await created({ text: "a" });
    const { [hidden.version]: _, ...oldInputs } = inOldFormat(checked);
    return { id, checked, oldInputs, stored: { ...inOldFormat(properties), [hidden.version]: 1 } };
  }

  test("of an older release shows no difference", async () => {
    const { id, checked, stored } = await old();
    expect((await provider.diff(id, stored, checked)).changes).toBe("none");
  });

  test("of an older release is read, updated and deleted", async () => {
    const { id, checked, stored } = await old();
    const read = await provider.read(id, stored);
    expect(read.properties).toMatchObject({ text: "a", size: 1, [hidden.version]: 3 });
    expect(read.properties).not.toHaveProperty("content");
    const updated = await provider.update(id, stored, { ...checked, text: "b" });
    expect(updated).toMatchObject({ text: "b", before: "a", [hidden.version]: 3 });
    await destroying.delete(id, stored);
    expect(existsSync(updated.path)).toBe(false);
  });

  test("of an older release is upgraded once: the next check has the declaration of the update", async () => {
    const { id, stored, oldInputs } = await old();
    const { inputs } = await provider.check(declared({ text: "b" }), oldInputs);
    const updated = await provider.update(id, stored, inputs);
    const refreshed = await provider.read(id, updated);
    for (const olds of [inputs, refreshed.inputs]) {
      const next = await provider.check(declared({ text: "c", event: "refuse the change" }), olds);
      expect(next.failures).toEqual([{ property: "", reason: expect.stringContaining('from "b" to "c"') }]);
    }
  });

  test("of an older release is upgraded in a check too", async () => {
    const { oldInputs } = await old();
    const { failures } = await provider.check(declared({ text: "b", event: "refuse the change" }), oldInputs);
    expect(failures[0]?.reason).toContain('from "a" to "b"');
  });

  test("of a newer release is refused with a remedy, and nothing is changed", async () => {
    const { id, properties, checked } = await created({ text: "a" });
    const newer = { ...properties, [hidden.version]: 4 };
    for (const call of [
      provider.check(declared({ text: "b" }), { ...checked, [hidden.version]: checked[hidden.version] + 1 }),
      provider.read(id, newer),
      provider.diff(id, newer, checked),
      provider.update(id, newer, { ...checked, text: "b" }),
      destroying.delete(id, newer),
    ]) {
      const { message } = await failure(call);
      expect(message).toContain("Note n");
      expect(message).toContain("written by a newer release");
      expect(message).toContain("What to do: Use the release that last updated this stack");
    }
    expect(JSON.parse(await readFile(properties.path, "utf8")).text).toBe("a");
  });
});

describe("a secret", () => {
  function expectNoSecret(shown: string) {
    expect(shards.filter((shard) => shown.includes(shard))).toEqual([]);
    expect(shown).not.toContain("token-1234");
  }

  // Without check, because the value breaks its rule about spaces.
  const inputs = (event: string) => ({
    ...declared({ text: "", size: 1, tags: {}, lines: [], vault: {} }),
    password: secret,
    event,
  });

  test.each(["explain", "break", "stop half-way", "fail to look", "return Date"])(
    "is not in any message when an apply ends with: %s",
    async (event) => {
      const error = await failure(provider.create(inputs(event)));
      expectNoSecret(error.wire + provider.stderr + JSON.stringify(provider.logs));
    },
  );

  test("is not in the messages of the other calls", async () => {
    const checked = await provider.check(declared({ password: secret }));
    // If the failure named a property, the engine would print its value.
    expect(checked.failures).toEqual([{ property: "", reason: "password [secret] has a space" }]);
    const { id, properties } = await provider.create({ ...inputs("refuse to go") });
    const refused = await failure(destroying.delete(id, properties));
    expect(refused.message).toContain("stays, [secret]");
    const blind = await failure(provider.read(id, { ...properties, event: "fail to look" }));
    await expectEventually(() => provider.stderr.includes("cannot look, I have [secret]"), true);
    expectNoSecret(refused.wire + blind.wire + provider.stderr);
  });

  test("of an earlier declaration is not in messages either", async () => {
    const { id, properties } = await provider.create(inputs("x"));
    const error = await failure(
      provider.update(id, properties, { ...inputs("break"), password: "another one\nhorse" }),
    );
    expectNoSecret(error.wire);
  });

  test("of an earlier declaration is not in the reason of a refused check", async () => {
    const { inputs: olds } = await provider.check(declared({ text: "a", password: "hunter-22" }));
    const news = declared({ text: "b", event: "refuse the change" });
    const { failures } = await provider.check(news, olds);
    expect(failures).toEqual([{ property: "", reason: expect.stringContaining("with [secret]") }]);
  });

  test("in a record is hidden alone, and the other values are shown", async () => {
    const vault = { main: { key: "battery-staple", owner: "root" } };
    const error = await failure(provider.create({ ...inputs("break vault"), vault }));
    expect(error.message).toContain('{"main":{"key":"[secret]","owner":"root"}}');
  });

  test("is hidden in progress and warnings, which have the resource's URN and whether they last", async () => {
    const own = `${urn}-${name}`;
    await provider.create({ ...inputs("tell"), [hidden.urn]: own });
    const lines = provider.logs.filter((line) => line.urn === own);
    expect(lines.sort((a, b) => (a.message < b.message ? -1 : 1))).toEqual([
      { severity: "warning", urn: own, message: "lasting [secret]", ephemeral: false },
      { severity: "info", urn: own, message: "passing [secret]", ephemeral: true },
      { severity: "info", urn: own, message: expect.stringContaining("writing /"), ephemeral: true },
    ]);
  });
});

describe("the process", () => {
  test("names the kind that it does not know", async () => {
    const stranger = { ...declared(), [hidden.provider]: text.replace("Note", "Stranger") };
    expect((await failure(provider.create(stranger))).message).toContain("knows no Stranger");
  });

  test.each(["SIGINT", "the end of the engine"])("ends on %s during an apply", async (how) => {
    const other = await ProviderProcess.start(project);
    await other.configure();
    const { inputs } = await other.check(declared({ event: "never end" }));
    const call = failure(other.create(inputs));
    await expectEventually(() => existsSync(join(directory, `note-${name}.json`)), true);
    await other.cancel();
    const since = Date.now();
    if (how === "SIGINT") other.child.kill("SIGINT");
    else other.child.stdin?.end();
    await other.ended();
    // The engine kills it after five seconds.
    expect(Date.now() - since).toBeLessThan(4000);
    expect((await call).message).not.toBe("");
    await other.close();
    // The next update finds the result of the first one, and continues.
    const again = await provider.create({ ...inputs, event: "" });
    expect((await provider.read(again.id, again.properties)).id).toBe(again.id);
  });
});

async function expectEventually<T>(look: () => T, wanted: T): Promise<void> {
  const until = Date.now() + 10_000;
  while (look() !== wanted && Date.now() < until) await new Promise((done) => setTimeout(done, 10));
  expect(look()).toBe(wanted);
}

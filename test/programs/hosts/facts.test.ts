import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { FactBatches, factScript } from "../../../hosts/facts.ts";
import type { RunResult } from "../../../hosts/host.ts";

/** Runs a batch in a real sh. */
function answersOf(scripts: string[]) {
  const facts = factScript(scripts);
  const { stdout, stderr } = spawnSync("sh", { input: facts.script, encoding: "utf8" });
  return facts.split({ stdout, stderr });
}

describe("probes in one script", () => {
  test("each probe gets exactly its output, with or without a line end", () => {
    const answers = answersOf([
      "printf abc",
      "echo abc",
      "printf 'a\\n\\n'",
      ":",
      "printf '\\n'",
      "printf 'é\\tü'",
    ]);
    expect(answers.map((answer) => answer?.stdout)).toEqual(["abc", "abc\n", "a\n\n", "", "\n", "é\tü"]);
    expect(answers.map((answer) => answer?.code)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("a probe that fails, exits, or is not valid shell does not affect the others", () => {
    const answers = answersOf([
      "echo one",
      "echo why >&2; exit 3",
      "if then (",
      "cd /; x=1; false",
      'echo "[$x]$(pwd)"',
    ]);
    expect(answers.map((answer) => answer?.code)).toEqual([0, 3, 2, 1, 0]);
    expect(answers[1]?.stderr).toBe("why\n");
    expect(answers[2]?.stderr).toMatch(/syntax error/i);
    expect(answers[4]?.stdout).toBe(`[]${process.cwd()}\n`);
  });

  test("a probe that reads standard input does not consume the others", () => {
    expect(answersOf(["cat", "echo still here"]).map((answer) => answer?.stdout)).toEqual([
      "",
      "still here\n",
    ]);
  });

  test("output that looks like a boundary is kept as output", () => {
    const earlier = factScript(["x"], "cafe").script;
    const answers = answersOf([`printf %s '${earlier.replaceAll("'", `'\\''`)}'`, "echo 2"]);
    expect(answers.map((answer) => answer?.stdout)).toEqual([earlier, "2\n"]);
  });

  test("probes that the host did not reach have no answer", () => {
    const answers = answersOf(["echo 1", "kill -9 $$", "echo 3"]);
    expect(answers[0]?.stdout).toBe("1\n");
    expect(answers[2]).toBeUndefined();
  });
});

describe("the batch of a host", () => {
  const runHere = async (script: string): Promise<RunResult> => ({
    code: 0,
    stdout: execFileSync("sh", { input: script, encoding: "utf8", stdio: "pipe" }),
    stderr: "",
  });

  test("probes that are asked together, or while the connection opens, are sent as one script", async () => {
    const sent: string[] = [];
    const connected = Promise.withResolvers<void>();
    const batches = new FactBatches(
      "h",
      () => connected.promise,
      (script) => {
        sent.push(script);
        return runHere(script);
      },
    );
    const early = Promise.all([1, 2, 3].map((n) => batches.ask({ script: `echo ${n}`, parse: Number })));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const late = batches.ask({ script: "echo 4", parse: Number });
    connected.resolve();
    expect([...(await early), await late]).toEqual([1, 2, 3, 4]);
    expect(sent).toHaveLength(1);
  });

  test("equal probes run once, and each caller parses the output separately", async () => {
    const sent: string[] = [];
    const batches = new FactBatches(
      "h",
      async () => {},
      (script) => {
        sent.push(script);
        return runHere(script);
      },
    );
    const [text, length] = await Promise.all([
      batches.ask({ script: "echo once", parse: (output) => output }),
      batches.ask({ script: "echo once", parse: (output) => output.length }),
    ]);
    expect([text, length]).toEqual(["once\n", 5]);
    expect(sent[0]?.split("echo once")).toHaveLength(2);
  });

  test("a parser that throws, a failed probe and a failed batch reject only their own probes", async () => {
    const failing = new FactBatches(
      "h",
      async () => {},
      () => Promise.reject(new Error("no way there")),
    );
    await expect(failing.ask({ script: ":", parse: String })).rejects.toThrow("no way there");
    const batches = new FactBatches("h", async () => {}, runHere);
    const outcomes = await Promise.allSettled([
      batches.ask({
        script: "echo x",
        parse: () => {
          throw new Error("cannot read x");
        },
      }),
      batches.ask({ script: "echo y", parse: String }),
      batches.ask({ script: "exit 4", parse: String }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "fulfilled", "rejected"]);
    expect((outcomes[2] as PromiseRejectedResult).reason.message).toMatch(
      /host h: reading its state: exit status 4/,
    );
  });
});

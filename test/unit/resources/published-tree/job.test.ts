import { expect, test } from "@jest/globals";
import type { Host, Job } from "../../../../hosts/host.ts";
import type { Scene } from "../../../../resources/kernel/definition.ts";
import { runJob } from "../../../../resources/published-tree/job.ts";

/** What is said of a job that printed these lines and ended so. */
async function saidOf(code: number, ...lines: string[]): Promise<string> {
  const job = async ({ onProgress }: Job) => {
    for (const line of lines) onProgress?.(line);
    return { code, tail: lines, attached: false };
  };
  const scene = {
    id: "m",
    host: { name: "mirror", job } as unknown as Host,
    progress: () => {},
    warn: () => {},
  };
  const how = { step: "publishing a tree", remedy: "Run the update again when upstream is well." };
  return runJob(scene as Scene, "true", how).then(
    () => "",
    (error: Error) => error.message,
  );
}

test("a job that goes well says nothing", async () => {
  expect(await saidOf(0, "progress fetching")).toBe("");
});

test("faults are said, with what the job says is to be done about them", async () => {
  const fault = "fault pool/a.deb: the server answered 401";
  expect(await saidOf(65, fault)).toMatch(/pool\/a\.deb: the server answered 401\n.*when upstream is well/);
  const advised = await saidOf(65, fault, "remedy Put right what is named there.");
  expect(advised).toMatch(/served unchanged\. Put right what is named there\.$/);
  expect(advised).not.toMatch(/when upstream is well/);
});

test.each([
  [137, [], /the job was killed \(status 137\), as the kernel does where memory runs out.*and said nothing/],
  [143, ["progress fetched 1 of 2"], /the job was ended by signal 15, and said nothing/],
  [
    2,
    ["progress one", "tar: no space left"],
    /a command of the job failed \(status 2\); .*\n {4}tar: no space left/,
  ],
])("an end without a fault (status %d) is more than its status", async (code, lines, expected) => {
  const said = await saidOf(code, ...lines);
  expect(said).toMatch(expected);
  expect(said).not.toMatch(/progress/);
});

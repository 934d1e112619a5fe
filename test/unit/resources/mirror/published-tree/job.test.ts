import { expect, test } from "@jest/globals";
import type { Host, Job } from "../../../../../hosts/host.ts";
import type { ResourceContext } from "../../../../../resources/kernel/definition.ts";
import { runJob } from "../../../../../resources/mirror/published-tree/job.ts";

/** The error of a job that printed these lines and ended in this way. */
async function errorOf(code: number, ...lines: string[]): Promise<string> {
  const job = async ({ onProgress }: Job) => {
    for (const line of lines) onProgress?.(line);
    return { code, tail: lines, attached: false };
  };
  const context = {
    id: "m",
    host: { name: "mirror", job } as unknown as Host,
    progress: () => {},
    warn: () => {},
  };
  const how = {
    step: "publishing a snapshot",
    remedy: "Run the update again when upstream works.",
    directory: "/srv/m",
  };
  return runJob(context as ResourceContext, "true", how).then(
    () => "",
    (error: Error) => error.message,
  );
}

test("a successful job reports no error", async () => {
  expect(await errorOf(0, "progress fetching")).toBe("");
});

test("faults of fetched files are reported, with the remedy that the job prints", async () => {
  const fault = "fault pool/a.deb: the server answered 401";
  const of = (...lines: string[]) => errorOf(65, "step fetch fetching", ...lines);
  expect(await of(fault)).toMatch(/pool\/a\.deb: the server answered 401\n.*when upstream works/);
  const advised = await of(fault, "remedy Fix the settings named above.");
  expect(advised).toMatch(/served unchanged\. Fix the settings named above\.$/);
  expect(advised).not.toMatch(/when upstream works/);
});

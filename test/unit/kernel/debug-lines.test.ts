import { expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { keepOutOfDebugLines } from "../../../resources/kernel/debug-lines.ts";

test("secrets are replaced in the SDK's debug lines once they are known", async () => {
  const lines: string[] = [];
  Object.assign(pulumi.log, { debug: async (line: string) => lines.push(line) });
  keepOutOfDebugLines("plain secret");
  keepOutOfDebugLines(Promise.resolve("late secret"));
  const file = pulumi.secret({ "/etc/key": { content: "first line\nsecond line\n" } });
  keepOutOfDebugLines(file);
  // Callbacks run in the order of the requests.
  await new Promise<void>((known) => pulumi.output(file).apply(() => known()));
  await pulumi.log.debug("resp: a,plain secret,b,late secret,content,first line\nsecond line\n,mode,0600");
  expect(lines).toEqual(["resp: a,[secret],b,[secret],content,[secret],mode,0600"]);
});

import { expect, jest, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { lookedUp } from "../../../components/arguments/lookup.ts";

test("the changes and warnings of a lookup are shown with escaped control characters", async () => {
  const shown: string[] = [];
  const spies = (["info", "warn"] as const).map((severity) =>
    jest.spyOn(pulumi.log, severity).mockImplementation(async (line) => void shown.push(line)),
  );
  const lookup = Promise.resolve({ changes: ["noble\u001b[2J: +1\n  new: jq"], warnings: ["\u202eelbon"] });
  await lookedUp({} as pulumi.ComponentResource, "aptMirrors.m", lookup);
  for (const spy of spies) spy.mockRestore();
  expect(shown).toEqual(["noble\\u001b[2J: +1\n  new: jq", "\\u202eelbon"]);
});

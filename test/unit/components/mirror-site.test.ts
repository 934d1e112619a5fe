import { expect, jest, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { calledOnHost, lookedUp, placeOf } from "../../../components/serving/mirror-site.ts";

test.each(["../x", "a/b", "..", ".hidden", "", "a b", "a\nb", "-rf", "ä"])(
  "a component called %j gets no place on a host, unless it is given a nameOnHost",
  (name) => {
    expect(() => calledOnHost(name, undefined)).toThrow(/cannot be part of a path.*give it a nameOnHost/);
    expect(calledOnHost(name, "ubuntu")).toBe("ubuntu");
  },
);

test("any other has its own", () => {
  expect(placeOf("images", "Noble_1.2", "/srv/x")).toEqual({ directory: "/srv/x", store: "/srv/x/store" });
});

test("what a lookup says beside a component is shown, and not carried out by a terminal", async () => {
  const said: string[] = [];
  const spies = (["info", "warn"] as const).map((how) =>
    jest.spyOn(pulumi.log, how).mockImplementation(async (line) => void said.push(line)),
  );
  const lookup = Promise.resolve({ changes: ["noble\u001b[2J: +1\n  new: jq"], warnings: ["\u202eelbon"] });
  await lookedUp({} as pulumi.ComponentResource, "aptMirrors.m", lookup);
  for (const spy of spies) spy.mockRestore();
  expect(said).toEqual(["noble\\u001b[2J: +1\n  new: jq", "\\u202eelbon"]);
});

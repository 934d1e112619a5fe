import { expect, test } from "@jest/globals";
import { keyValues } from "../../../hosts/key-values.ts";
import { HostOnThisMachine } from "../../host-on-this-machine.ts";

test("values are read by key, with any characters in both, and a failed key has no value", async () => {
  const host = new HostOnThisMachine();
  const values = {
    plain: "1",
    "two words; $(touch /tmp/x)": "a\tb\n  c",
    "-n": "",
    __proto__x: "größer",
    "-": "-",
  };
  const print =
    'case $key in missing) exit 3 ;; esac; printf "%s\\n\\n" "$(printenv "V_$(printf %s "$key" | od -An -tx1 | tr -d " \\n")")"';
  const environment = Object.entries(values)
    .map(([key, value]) => `export V_${Buffer.from(key).toString("hex")}='${value}'`)
    .join("\n");
  const { script, parse } = keyValues([...Object.keys(values), "missing"], print);
  const read = await host.facts({ script: `${environment}\n${script}`, parse });
  expect(read).toEqual(values);
  expect(await host.facts(keyValues([], "false"))).toEqual({});
  host.clear();
});

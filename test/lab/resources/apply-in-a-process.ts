// Applies one resource and ends. It is a process for tests that kill it.
// Arguments: the ssh configuration, the kind, the resource's name, its inputs as JSON.
import { configureSsh } from "../../../hosts/connections.ts";
import { hidden } from "../../../resources/kernel/stored-properties.ts";
import { handler } from "../../../resources/provider.ts";

const [configFile, kind, name, inputs] = process.argv.slice(2);
configureSsh({ configFile });
const provider = handler(String(kind));
const given = { ...JSON.parse(String(inputs)), [hidden.name]: `test-${name}` };
provider
  .check({}, given)
  .then(({ inputs: checked }) => provider.create(checked as never))
  .then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );

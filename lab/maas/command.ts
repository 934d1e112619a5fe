import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { State } from "./state.ts";

/*
 * The subcommand `maas apikey` of a region host: prints all keys of a user, one per line
 * (maasserver/management/commands/apikey.py). Reads the state that the service stored.
 *
 *   node lab/maas/command.ts --state FILE apikey --username admin
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { state: { type: "string" }, username: { type: "string" } },
});

if (positionals[0] !== "apikey") {
  fail(
    `The stand-in supports only: maas apikey --username NAME. It does not support: ${positionals.join(" ")}`,
    2,
  );
}
if (values.username === undefined) fail("CommandError: You must provide a username with --username.");

const { users, keys }: State = JSON.parse(readFileSync(values.state ?? "", "utf8"));
if (!users.some(({ username }) => username === values.username)) fail("CommandError: User does not exist.");
for (const { username, consumerKey, tokenKey, tokenSecret } of keys) {
  if (username === values.username) process.stdout.write(`${consumerKey}:${tokenKey}:${tokenSecret}\n`);
}

function fail(message: string, code = 1): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

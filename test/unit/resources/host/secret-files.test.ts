import { describe, expect, test } from "@jest/globals";
import type { Host } from "../../../../hosts/host.ts";
import { files } from "../../../../resources/host/files.ts";
import { EngineLog } from "../../../../resources/kernel/engine-log.ts";
import { DefinitionProvider } from "../../../../resources/kernel/provider.ts";
import { hidden, type Properties } from "../../../../resources/kernel/stored-properties.ts";

const path = "/etc/nginx/conf.d/upstream-proxy.conf";
const content = `# Requests of upstream mirrors.
location / {
  proxy_pass http://user:s3cr3tpass@backend;
  proxy_set_header Authorization "Basic dXNlcjpwYXNz";
  auth_request_set $short hunter2;
}
`;

/** A provider of Files on a host where nginx refuses every change with this message, or refused it before. */
function refusedBy(message: string, before = ""): DefinitionProvider {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const already = before && `already nginx.service ${base64(before)}\n`;
  const rejected = `rejected nginx.service check ${base64(message)}\n${already}restored\n`;
  const host: Partial<Host> = {
    name: "mirror",
    run: async () => ({ code: 1, stdout: rejected, stderr: "" }),
    facts: async (probe) => probe.parse(""),
  };
  return new DefinitionProvider(files, new EngineLog(undefined), () => host as Host);
}

const declared: Properties = {
  host: "mirror",
  secretFiles: { [path]: { content } },
  files: { "/etc/nginx/conf.d/site.conf": { content: "include snippets/certificates.conf;\n" } },
  checks: { "nginx.service": { command: "nginx -t -q" } },
  [hidden.name]: "proxy_of_dc1_of_site",
};

const messages: readonly [string, string][] = [
  [
    `nginx: [emerg] invalid port in upstream "user:s3cr3tpass@backend" in ${path}:3`,
    `nginx: [emerg] invalid port in upstream "[secret]" in ${path}:3`,
  ],
  [
    `nginx: [emerg] host not found in upstream "user" in ${path}:3`,
    `nginx: [emerg] host not found in upstream "[secret]" in ${path}:3`,
  ],
  [
    `nginx: [emerg] the variable 'hunter2' cannot be set in ${path}:5`,
    `nginx: [emerg] the variable '[secret]' cannot be set in ${path}:5`,
  ],
  [`error: bad header dXNlcjpwYXNz near ${path}:4`, `error: bad header [secret] near ${path}:4`],
  [
    `nginx: [emerg] "proxy_pass" directive is not allowed here in ${path}:3`,
    `nginx: [emerg] "proxy_pass" directive is not allowed here in ${path}:3`,
  ],
  [
    `nginx: [emerg] open() "snippets/certificates.conf" failed in /etc/nginx/conf.d/site.conf:1`,
    `nginx: [emerg] open() "snippets/certificates.conf" failed in /etc/nginx/conf.d/site.conf:1`,
  ],
];

describe.each(messages)("the message of a service's check: %s", (message, shown) => {
  test("has no part of a secret file in a preview", async () => {
    const { failures } = await refusedBy(message).check({}, declared);
    expect(failures).toHaveLength(1);
    expect(failures?.[0]?.reason).toContain(`configuration of nginx.service: ${shown}\n`);
  });

  test("has none in an update, and none of the file's previous content", async () => {
    const provider = refusedBy(message);
    const news = { ...declared, secretFiles: { [path]: { content: "empty" } } };
    for (const [olds, inputs] of [
      [undefined, declared],
      [declared, news],
    ] as const) {
      const complete = { files: {}, directories: {}, links: {}, absent: [], secretFiles: {} };
      const wanted = { ...complete, ...inputs };
      const call = olds ? provider.update("id", { ...complete, ...olds }, wanted) : provider.create(wanted);
      await expect(call).rejects.toThrow(`configuration of nginx.service: ${shown}\n`);
    }
  });
});

test("a long message does not end with the beginning of a secret word", async () => {
  for (const length of [985, 992, 994, 996]) {
    const provider = refusedBy(`error: ${"x ".repeat(length)}dXNlcjpwYXNz ${"y ".repeat(99)}`);
    const { failures } = await provider.check({}, declared);
    expect(failures?.[0]?.reason).toContain("x x");
    expect(failures?.[0]?.reason).not.toContain("dX");
  }
});

test("a refused preview after a change by hand shows who declares a path", async () => {
  const drifted = { [path]: { content: "(differs from what is declared)" } };
  const message = "already declared by another configuration";
  const { failures } = await refusedBy(message).check({ ...declared, secretFiles: drifted }, declared);
  expect(failures?.[0]?.reason).toContain(message);
});

test("what nginx quotes of a secret file that was changed by hand is not shown, since it is not known", async () => {
  const before = [
    `nginx: [emerg] invalid port in upstream "me:byhand@backend" in ${path}:3`,
    `nginx: [emerg] open() "${path}" failed`,
    'nginx: [emerg] unknown directive "servre" in /etc/nginx/conf.d/site.conf:1',
  ].join("\n");
  const shown = before.replace("me:byhand@backend", "[secret]");
  const provider = refusedBy("", before);
  expect((await provider.check({}, declared)).failures?.[0]?.reason).toContain(shown);
  const { inputs } = await refusedBy("").check({}, declared);
  await expect(provider.create(inputs as Properties)).rejects.toThrow(shown);
});

import { posix } from "node:path";
import { z } from "zod";
import { sh } from "../../hosts/shell.ts";
import { defineResource } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { resourceClass } from "../kernel/resource.ts";
import { same } from "../kernel/stored-properties.ts";
import { changePaths, checkClaims, releasePaths } from "./ledger/change-paths.ts";
import { ancestorsOf, type DeclaredPath, held } from "./ledger/declared-path.ts";
import { type FoundPath, type FoundPaths, pathProbe } from "./ledger/path-probe.ts";

const path = z
  .string()
  .refine((value) => value.startsWith("/"), "must be an absolute path, such as /etc/motd")
  .refine((value) => !value.includes("\0"), "must not contain a NUL character")
  .superRefine((value, context) => {
    const plain = posix.normalize(value).replace(/(.)\/$/, "$1");
    if (value === "/") context.addIssue({ code: "custom", message: "is the root directory" });
    else if (value.startsWith("/") && plain !== value) {
      context.addIssue({ code: "custom", message: `must be written as ${plain}` });
    }
  });

const mode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, 'must be octal permission bits, such as "0644"')
  .transform((value) => value.slice(-4).padStart(4, "0"));

const account = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/, "must be the name or number of a user or group");

const attributes = (defaultMode: string) => ({
  mode: mode.default(defaultMode).describe("Octal permission bits."),
  owner: account.default("root").describe("A name or number that exists on the host."),
  group: account.default("root").describe("A name or number that exists on the host."),
});

const serviceUnit = z
  .string()
  .regex(/^[A-Za-z0-9@_.:-]+\.service$/, "must be a service unit, such as nginx.service");

const fileSet = (defaultMode: string) =>
  z
    .record(
      path,
      z.strictObject({
        content: z.string().describe("Text, written as UTF-8, byte for byte (no newline is added)."),
        ...attributes(defaultMode),
      }),
    )
    .default({});

const schema = z
  .strictObject({
    host: hostInput,
    files: fileSet("0644").describe("Regular files by absolute path."),
    secretFiles: fileSet("0600").describe(
      "Files with secret content: encrypted in the state, and never shown, not even in a difference.",
    ),
    directories: z
      .record(path, z.strictObject(attributes("0755")))
      .default({})
      .describe(
        "By absolute path; their content is not checked. Parent directories of a file or link need not be declared (0755, root).",
      ),
    links: z
      .record(
        path,
        z
          .string()
          .min(1, "must be the target of the link")
          .refine((value) => !value.includes("\0")),
      )
      .default({})
      .describe("Symbolic links: the target of each, by the absolute path of the link."),
    absent: z
      .array(path)
      .default([])
      .describe("Paths of files or links that must not exist, such as a package's default site."),
    checks: z
      .record(
        serviceUnit,
        z.strictObject({
          command: z
            .string()
            .min(1, "must be a command")
            .describe(
              "A shell command that checks the whole configuration, and fails if the service would refuse it, e.g. nginx -t.",
            ),
          ports: z
            .array(z.int().min(1).max(65_535))
            .optional()
            .describe(
              "TCP ports of the service: the preview refuses a port on which another process listens.",
            ),
        }),
      )
      .optional()
      .describe(
        "Services that read these files, by unit. A change is then made completely or not at all: the service's configuration is checked with it, and the service is reloaded if it runs. If that fails, all files are restored.",
      ),
    holds: z
      .record(
        z.string().regex(/^[^/\0][^\0]*$/, "must be a name that does not begin with a slash"),
        z.string(),
      )
      .optional()
      .describe(
        'Other things of the host that this uses, by a name such as "TCP port 443": another resource may use it only with the same value.',
      ),
    reloadOnRemoval: z
      .array(serviceUnit)
      .default([])
      .describe(
        "Services to reload, if they run, when the files are removed. They would continue to use the removed files.",
      ),
  })
  .superRefine((inputs, context) => {
    const seen = new Map<string, string>();
    for (const [group, key, item] of declaredKeys(inputs)) {
      const other = seen.get(item);
      if (other) {
        context.addIssue({ code: "custom", path: [group, key], message: `is also declared in ${other}` });
      }
      seen.set(item, group);
    }
    for (const [group, key, item] of declaredKeys(inputs)) {
      const above = ancestorsOf(item).find(
        (ancestor) => (seen.get(ancestor) ?? "directories") !== "directories",
      );
      if (above) {
        const message = `is below ${above}, which is declared in ${seen.get(above)} and is therefore not a directory`;
        context.addIssue({ code: "custom", path: [group, key], message });
      }
    }
  });

type Inputs = z.output<typeof schema>;

function declaredKeys(
  inputs: z.output<typeof schema>,
): [group: string, key: string | number, path: string][] {
  const groups = ["files", "secretFiles", "directories", "links"] as const;
  return [
    ...groups.flatMap((group) =>
      Object.keys(inputs[group]).map((item): [string, string, string] => [group, item, item]),
    ),
    ...inputs.absent.map((item, index): [string, number, string] => ["absent", index, item]),
  ];
}

export const files = defineResource({
  kind: "Files",
  version: 1,
  inputs: schema,
  outputs: z.object({}),
  status: { change: "complete" },
  secrets: ["secretFiles.*.content"],

  async observe(context, declared) {
    const paths = declaredPaths(declared);
    const found = await context.host.facts(pathProbe(context.id, paths));
    const exists =
      found.claimed ||
      paths.length === 0 ||
      paths.some((item) => item.type !== "absent" && found.at.has(item.path));
    if (!exists) return undefined;
    // The next update undoes such a change and makes it again.
    const status = found.cutOff ? { change: "interrupted" } : {};
    return { inputs: observedInputs(declared, found), outputs: {}, status };
  },

  async preflight(context, wanted, _, isWhole) {
    // Otherwise the update itself refuses a conflict, before it changes anything: that saves a round trip to each
    // host.
    if (!wanted.checks && !wanted.holds) return;
    await checkClaims(context, declaredPathsOf(wanted), wanted.checks ?? {}, isWhole);
  },

  async apply(context, wanted, observed) {
    const differs = (item: DeclaredPath) =>
      !observed || !same(entry(wanted, item), entry(observed.inputs, item));
    await changePaths(context, declaredPathsOf(wanted), differs, "writing files", wanted.checks);
    return {};
  },

  async remove(context, { reloadOnRemoval = [], checks }) {
    await releasePaths(context, "removing files", checks);
    if (reloadOnRemoval.length === 0) return;
    const { stdout } = await context.host.run(
      sh`for unit in ${reloadOnRemoval}; do
  systemctl is-active --quiet -- "$unit" || continue
  systemctl reload -- "$unit" >/dev/null 2>&1 && continue
  # Another component may be stopping it, which cancels a reload: wait for queued jobs.
  tries=0
  while [ -n "$(systemctl show --property Job --value -- "$unit")" ] && [ "$tries" -lt 300 ]; do tries=$((tries + 1)); sleep 0.1; done
  systemctl is-active --quiet -- "$unit" || continue
  systemctl reload -- "$unit" >/dev/null 2>&1 || echo "$unit"
done`,
      { step: `reloading ${reloadOnRemoval.join(", ")}` },
    );
    for (const unit of stdout.split("\n").filter(Boolean)) {
      context.warn(`${unit} could not be reloaded and still uses the old files: see journalctl -u ${unit}`);
    }
  },
});

function declaredPaths(inputs: Inputs): DeclaredPath[] {
  return [
    ...Object.entries(inputs.directories).map(([path, item]) => ({
      type: "directory" as const,
      path,
      ...item,
    })),
    ...Object.entries(inputs.files).map(([path, item]) => ({ type: "file" as const, path, ...item })),
    ...Object.entries(inputs.secretFiles).map(([path, item]) => ({
      type: "file" as const,
      secret: true,
      path,
      ...item,
    })),
    ...Object.entries(inputs.links).map(([path, target]) => ({ type: "link" as const, path, target })),
    ...inputs.absent.map((path) => ({ type: "absent" as const, path })),
  ];
}

/** The paths and the other claims. */
function declaredPathsOf(inputs: Inputs): DeclaredPath[] {
  const claims = Object.entries(inputs.holds ?? {}).map(([name, value]) => held(name, value));
  return [...claims, ...declaredPaths(inputs)];
}

function entry(inputs: Inputs, item: DeclaredPath) {
  switch (item.type) {
    case "file":
      return inputs[item.secret ? "secretFiles" : "files"][item.path];
    case "directory":
      return inputs.directories[item.path];
    case "link":
      return inputs.links[item.path];
    case "absent":
      return inputs.absent.includes(item.path);
    case "held":
      return inputs.holds?.[item.path];
  }
}

/** The declaration that would match the host. */
function observedInputs(declared: Inputs, found: FoundPaths): Inputs {
  const existing = <T>(set: Record<string, T>, observe: (item: T, at: FoundPath) => T): Record<string, T> =>
    Object.fromEntries(
      Object.entries(set).flatMap(([path, item]) => {
        const at = found.at.get(path);
        return at ? [[path, observe(item, at)]] : [];
      }),
    );
  return {
    host: declared.host,
    files: existing(declared.files, observedFile),
    secretFiles: existing(declared.secretFiles, observedFile),
    directories: existing(declared.directories, (item, at) =>
      at.type === "directory" ? attributesOf(at) : { ...item, mode: `(${at.what})` },
    ),
    links: existing(declared.links, (_, at) => at.target ?? `(${at.what})`),
    absent: declared.absent.filter((path) => !found.at.has(path)),
    ...(declared.checks && { checks: declared.checks }),
    ...(declared.holds && { holds: declared.holds }),
    reloadOnRemoval: declared.reloadOnRemoval,
  };
}

function observedFile<T extends { content: string }>(declared: T, at: FoundPath): T {
  if (at.type !== "file") return { ...declared, content: `(${at.what})` };
  return { ...declared, content: at.content ?? "(cannot be read)", ...attributesOf(at) };
}

function attributesOf({ mode, owner, group }: FoundPath) {
  return { mode, owner, group };
}

/**
 * Files, directories and links of one component on one host. If an entry, or the whole resource, is no longer
 * declared, the original state is restored; a directory that contains something else stays.
 *
 *     new Files("site", {
 *       host: "mirror.dc1",
 *       files: { "/etc/nginx/conf.d/mirror.conf": { content: siteText } },
 *       absent: ["/etc/nginx/sites-enabled/default"],
 *     });
 *
 * Two resources may declare the same path with the same values. With `checks` or `holds` the preview refuses other
 * values.
 *
 * @throws ExplainedError when another resource on the host declares other values for a path, when a service refuses
 * the change (nothing is changed then), when something that cannot be replaced is at a path (a directory with content,
 * a socket), and for errors of the host's file system.
 */
export class Files extends resourceClass(files) {}

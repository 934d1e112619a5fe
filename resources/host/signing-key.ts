import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ExplainedError } from "../../errors/explained-error.ts";
import { sh } from "../../hosts/shell.ts";
import { digestOf } from "../../values/digest.ts";
import { defineResource, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { nameOnHosts } from "../kernel/name-on-hosts.ts";
import { type ResourceArgs, resourceClass } from "../kernel/resource.ts";
import { releasePaths } from "./ledger/change-paths.ts";
import { claimsReport } from "./ledger/claims-report.ts";
import type { DeclaredPath } from "./ledger/declared-path.ts";
import { pathClaims } from "./ledger/path-claims.ts";
import { ledgerPlace } from "./ledger/place.ts";
import { type FoundKey, keyProbe } from "./signing-key/key-probe.ts";

const functions = readFileSync(join(import.meta.dirname, "signing-key", "signing-key.sh"), "utf8");

const keyHome = z
  .string()
  .regex(
    /^(\/[A-Za-z0-9_][A-Za-z0-9_.+-]*)+$/,
    "must be an absolute path of letters, digits, dots and dashes",
  )
  .max(80, "must have at most 80 characters, since gpg creates sockets in it");

const schema = z.strictObject({
  host: hostInput,
  userId: z
    .string()
    .min(5, "must have at least 5 characters")
    .refine(
      (text) => !/^-|\p{Cc}/u.test(text) && !/[<>\\]/.test(text.replace(/ ?<[^<>\s]+@[^<>\s]+>$/, "")),
      {
        message: 'must be a name with or without an address, such as "Mirror of dc1 <infra@example.org>"',
      },
    )
    .describe("User id of the key, e.g. Mirror of dc1 <infra@example.org>."),
  directory: keyHome.meta({
    description:
      "The key's separate GNUPGHOME on the host, readable by root only. Another directory replaces the resource, with another key. The default depends on the resource's name, even with an alias for the old name: before renaming, declare the current directory.",
    defaultText: "/var/lib/airgapped-maas/keys/NAME_of_STACK_of_PROJECT",
  }),
  expires: z
    .string()
    .regex(
      /^(never|[1-9]\d{0,3}[dwmy])$/,
      'must be "never", or a number of days, weeks, months or years such as "5y"',
    )
    .optional()
    .describe(
      "How long the key is valid from now on: days, weeks, months or years (90d, 26w, 18m, 5y), or never. A changed value extends or shortens it, also for an expired key; if the value is removed, the key is valid for ever. By default never; a declared key keeps its expiry.",
    ),
  secretKey: z
    .string()
    .regex(/^\s*-----BEGIN PGP PRIVATE KEY BLOCK-----/, "must be an armored OpenPGP secret key")
    .optional()
    .describe("An armored secret key without a passphrase, to be used instead of a key created on the host."),
  keepOnRemove: z
    .boolean()
    .default(true)
    .describe(
      "Whether the key stays on the host when the resource is removed: a lost signing key cannot be recovered.",
    ),
});

const outputs = z.object({
  publicKey: z.string().describe("The armored public key."),
  publicKeyBinary: z.string().describe("The public key in the format of apt's keyrings, in base64."),
  fingerprint: z.string().describe("40 hexadecimal digits, upper case."),
});

type Inputs = z.output<typeof schema>;
type Outputs = z.output<typeof outputs>;

export const signingKey = defineResource({
  kind: "SigningKey",
  version: 1,
  inputs: schema,
  outputs,
  identity: ["directory"],
  secrets: ["secretKey"],

  async observe(context, declared) {
    const asked = context.host.facts(keyProbe(declared.directory));
    const [found, fingerprint] = await Promise.all([asked, fingerprintOf(declared)]);
    if (!found) return undefined;
    const { expires, secretKey, ...rest } = declared;
    return {
      inputs: {
        ...rest,
        userId: found.userId,
        ...(expires === undefined ? {} : { expires: found.expires }),
        ...(secretKey === undefined
          ? {}
          : {
              secretKey:
                fingerprint === found.fingerprint ? secretKey : `(another key, ${found.fingerprint})`,
            }),
      },
      outputs: outputsOf(found),
    };
  },

  async apply(context, wanted, observed, previous) {
    const { directory, userId, secretKey } = wanted;
    const expires = wanted.expires ?? (previous?.expires === undefined ? undefined : "never");
    const fingerprint = await fingerprintOf(wanted);
    if (observed) refuseAnotherKey(wanted, observed.inputs, observed.outputs);
    const expiry = expires === undefined ? [] : [sh`note_expiry ${expires}`];
    const settings = sh`directory=${directory} making=${join(directory, "..", `.new-${digestOf(directory).slice(0, 8)}`)}`;
    const setExpiry = (of: string) => (expires === undefined ? [] : [sh`set_expiry ${of} ${expires}`]);
    const steps = observed
      ? observed.inputs.expires === expires
        ? []
        : [
            sh`export GNUPGHOME=${directory}`,
            ...setExpiry(observed.outputs.fingerprint),
            ...expiry,
            "settle_key",
          ]
      : [
          "begin_key",
          ...(fingerprint
            ? [sh`import_key ${fingerprint}`, ...setExpiry(fingerprint)]
            : [sh`generate_key ${userId} ${expires ?? "never"}`]),
          ...expiry,
          "publish_key",
        ];
    const probe = keyProbe(directory);
    const claims = pathClaims(context.id, [home(directory)], () => !observed);
    const script = [
      claims.prologue,
      functions,
      settings,
      "need_gpg",
      ...(observed ? [] : ["need_own_place", "need_room"]),
      claims.body,
      ...steps,
      "at=",
      probe.script,
    ].join("\n");
    const made = await run(
      context,
      claims,
      script,
      secretKey,
      `creating the signing key in ${directory}`,
    ).catch(async (error) => {
      // Without a key nothing is stored in the state, so nothing may stay on the host.
      if (!observed) await releasePaths(context, `releasing ${directory}`).catch(() => {});
      throw error;
    });
    const found = probe.parse(made);
    if (!found) throw lost(directory);
    if (found.userId !== userId) throw new PartlyApplied(anotherUser(found.userId), outputsOf(found));
    return outputsOf(found);
  },

  async remove(context, declared, outputs) {
    const { directory, keepOnRemove } = declared;
    const claims = pathClaims(context.id, [], () => false);
    const forget = sh`
lock_ledger
record=$paths/${digestOf(directory)}
if [ -e "$record/absent" ] && [ "$(ls "$record/claims")" = "$resource" ]; then
  gpgconf --homedir ${directory} --kill all || true
  rm -rf -- ${directory}
fi`;
    const script = [claims.prologue, ...(keepOnRemove ? [] : [forget]), claims.body].join("\n");
    const result = await context.host.run(script, { allowFailure: true, step: `releasing ${directory}` });
    const { error } = claimsReport(claims, result);
    if (error) throw error;
    const kept = `kept ${Buffer.from(directory).toString("base64")}`;
    if (result.stdout.split("\n").includes(kept) || keepOnRemove) {
      context.warn(
        `the signing key ${outputs.fingerprint} stays in ${directory}; delete the directory when the key is no longer needed`,
      );
    }
  },
});

function home(directory: string): DeclaredPath {
  return { type: "directory", path: directory, mode: "0700", owner: "root", group: "root" };
}

function outputsOf({ publicKey, publicKeyBinary, fingerprint }: FoundKey): Outputs {
  return { publicKey, publicKeyBinary, fingerprint };
}

async function fingerprintOf({ secretKey }: Inputs): Promise<string | undefined> {
  if (secretKey === undefined) return undefined;
  const { readPrivateKey } = await import("openpgp");
  const key = await readPrivateKey({ armoredKey: secretKey }).catch((cause) => {
    throw new ExplainedError({
      step: "reading the declared secret key",
      found: "it is not a complete OpenPGP secret key",
      remedy: "Declare the complete output of `gpg --armor --export-secret-keys`.",
      cause,
    });
  });
  if (!key.isDecrypted()) {
    throw new ExplainedError({
      step: "reading the declared secret key",
      found: "it is protected by a passphrase, which cannot be entered when the mirror signs",
      remedy:
        "Declare it without one (`gpg --edit-key ID passwd`), as a secret of the stack's configuration.",
    });
  }
  return key.getFingerprint().toUpperCase();
}

function refuseAnotherKey(wanted: Inputs, existing: Inputs, { fingerprint }: Outputs): void {
  if (existing.userId === wanted.userId && existing.secretKey === wanted.secretKey) return;
  throw new ExplainedError({
    step: `using the signing key in ${wanted.directory}`,
    found: `the key there is ${fingerprint} of ${existing.userId}, not the declared one`,
    remedy: "Declare another directory for another key: clients rely on the existing one.",
  });
}

function anotherUser(userId: string): ExplainedError {
  return new ExplainedError({
    step: "importing the declared secret key",
    found: `it belongs to ${userId}`,
    remedy: "Declare that as userId, or another key.",
  });
}

function lost(directory: string): ExplainedError {
  return new ExplainedError({
    step: `reading the signing key in ${directory}`,
    found: "it is missing, although it was created just now",
    remedy: "Check whether another program cleans up that directory, then run the update again.",
  });
}

async function run(
  context: ResourceContext,
  claims: ReturnType<typeof pathClaims>,
  script: string,
  secretKey: string | undefined,
  step: string,
): Promise<string> {
  const result = await context.host.run(script, {
    allowFailure: true,
    step,
    ...(secretKey === undefined ? {} : { input: secretKey, secrets: [secretKey] }),
  });
  const { warnings, error } = claimsReport(claims, result);
  for (const warning of warnings) context.warn(warning);
  if (!error) return result.stdout;
  const action = /^stopped - (\S+)$/m.exec(result.stdout)?.[1] ?? "";
  const known = failures[action];
  const output = result.stderr.trim().split("\n").slice(-3).join("\n");
  throw known ? new ExplainedError({ step, found: known.found ?? output, remedy: known.remedy }) : error;
}

const failures: Readonly<Record<string, { readonly found?: string; readonly remedy: string }>> = {
  "no-gpg": {
    found: "GnuPG is not installed on the host",
    remedy: "Install it first: declare the package gnupg for this host.",
  },
  occupied: {
    found: "the directory contains other files, or a key whose secret part is missing",
    remedy:
      "Restore the secret part (private-keys-v1.d) from a backup, or move the directory away, or declare another one.",
  },
  exposed: {
    found:
      "a directory above it belongs to another user, or all users may write to it: they could take the key",
    remedy: "Declare a directory in one that only root can change, such as /var/lib.",
  },
  key: { remedy: "Fix what gpg reports, then run the update again." },
  import: { remedy: "Check whether GnuPG on the host can import the declared secret key." },
  expiry: { remedy: "Fix what gpg reports, then run the update again." },
};

/** The directory of a key on its host. A long name is shortened, because gpg creates sockets there. */
export function keyDirectory(name: string): string {
  const called = nameOnHosts(name);
  const short = called.length <= 50 ? called : `${called.slice(0, 30)}_${digestOf(called).slice(0, 16)}`;
  return `${ledgerPlace.directory}/keys/${short}`;
}

/**
 * An OpenPGP key pair that a host signs with. It is created on the host, in a separate keyring that only root can
 * read, and never leaves it (or it is declared). RSA with 4096 bits, one primary key that signs: all readers of a
 * mirror accept it, from the gpgv of old installers to hosts in FIPS mode; Ed25519 is not accepted by all of them.
 *
 *     const key = new SigningKey("mirror", { host: "mirror.dc1", userId: "Mirror of dc1 <infra@example.org>" });
 *     export const fingerprint = key.fingerprint;
 *
 * An existing key in the directory with the declared user id (and, if declared, the same key) is adopted.
 *
 * @throws ExplainedError if GnuPG is missing, if the directory contains another key or other files, if another user could
 * take a new key, and for a declared key that is invalid, has a passphrase, or belongs to another user id.
 */
export class SigningKey extends resourceClass(signingKey) {
  constructor(name: string, args: SigningKeyArgs, options?: pulumi.CustomResourceOptions) {
    super(name, { ...args, directory: args.directory ?? keyDirectory(name) }, options);
  }
}

type SigningKeyArgs = Omit<ResourceArgs<typeof signingKey>, "directory"> & {
  readonly directory?: pulumi.Input<string> | undefined;
};

import { createPrivateKey } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ExplainedError } from "../../errors/explained-error.ts";
import { splitSecrets, type UpstreamAccess } from "../../resources/mirror/published-tree/upstream-access.ts";
import { certificatesIn } from "./pem-certificates.ts";

/* How upstream is reached: what the arguments of all mirrors have in common there. */

/** In place of a secret that is not known yet when arguments are checked. */
const givenLater = "given";

const noSecret = "has characters that no HTTP header can carry (line ends, control characters)";

const username = z
  .string()
  .min(1, "is empty")
  .regex(/^[^:\x00-\x1f\x7f]+$/, "is not a user's name: it may have neither a colon nor control characters");

const password = z
  .string()
  .min(1, "is empty")
  .regex(/^[^\x00-\x1f\x7f]+$/, noSecret);

const token = z
  .string()
  .regex(/^[A-Za-z0-9._~+/-]+=*$/, "is not a bearer token (RFC 6750): letters, digits and ._~+/- alone");

const userAndPassword = z.strictObject({ username, password });

const credentials = z
  .strictObject({ username: username.optional(), password: password.optional(), token: token.optional() })
  .transform(({ username: name, password: word, token: bearer }, context) => {
    if (bearer !== undefined && name === undefined && word === undefined) return { token: bearer };
    if (bearer === undefined && name !== undefined && word !== undefined)
      return { username: name, password: word };
    context.addIssue({ code: "custom", message: "needs username and password, or token alone" });
    return z.NEVER;
  });

const certificates = z.string().superRefine((text, context) => {
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  if (text.includes("PRIVATE KEY")) return refuse("has a private key in it: certificates alone belong here");
  const read = certificatesIn(text);
  if (read.damaged) refuse(`has no certificate in its block ${read.damaged}: it is cut off or was changed`);
  else if (read.certificates.length === 0)
    refuse("is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)");
});

const clientCertificate = z
  .strictObject({ certificate: certificates, key: z.string().min(1) })
  .superRefine(({ certificate, key }, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", path: ["key"], message });
    const [first] = certificatesIn(certificate).certificates;
    if (key === givenLater || !first) return;
    let fits: boolean;
    try {
      fits = first.checkPrivateKey(createPrivateKey(key));
    } catch (error) {
      return refuse(
        (error as NodeJS.ErrnoException).code === "ERR_MISSING_PASSPHRASE" || key.includes("ENCRYPTED")
          ? "is encrypted with a passphrase, which nobody could type: give it without one"
          : "is not a private key in PEM form",
      );
    }
    if (!fits) refuse("is not the key of the certificate (the first one, where there are several)");
  });

const proxyUrl = z
  .string()
  .regex(
    /^https?:\/\/[A-Za-z0-9._~:[\]-]+\/?$/,
    "is not the URL of an http or https proxy, such as http://proxy.example:3128; credentials go into upstream.proxy.credentials",
  )
  .refine((url) => URL.canParse(url), "is not a URL: credentials go into upstream.proxy.credentials")
  .transform((url) => url.replace(/\/$/, ""));

const accessFields = {
  credentials: credentials.optional(),
  ca: certificates.optional(),
  clientCertificate: clientCertificate.optional(),
  proxy: z
    .strictObject({ url: proxyUrl, credentials: userAndPassword.optional(), ca: certificates.optional() })
    .optional(),
  slowestBytesPerSecond: z.int().min(1).max(1_000_000_000).optional(),
};

/** How upstream is read: seconds without a byte that end a transfer, how many run at once, and by what way. */
export function transferSchema(parallel: number) {
  return {
    stallSeconds: z.int().min(1).max(3600).default(30),
    parallel: z.int().min(1).max(256).default(parallel),
    ...accessFields,
  };
}

/** A rule of an upstream as a whole: a certificate that is declared is one that is shown. */
export const certificateShown: [
  (upstream: { readonly url: string; readonly clientCertificate?: unknown }) => boolean,
  { path: string[]; error: string },
] = [
  ({ url, clientCertificate: own }) => !(own && url.startsWith("http:")),
  { path: ["clientCertificate"], error: "is never shown: upstream.url is not https" },
];

const reason = z
  .string()
  .refine((text) => text.trim().length > 0, "is empty: say why, for whoever reads the preview")
  .refine((text) => !/[\x00-\x1f\x7f]/.test(text), "is to be one line");

/** Checks that are stricter than somebody needs them, each with the reason why it is left out. */
export function acceptSchema<Kind extends string>(...kinds: readonly Kind[]) {
  const fields = Object.fromEntries(kinds.map((kind) => [kind, reason.optional()]));
  return z.strictObject(fields as Record<Kind, z.ZodOptional<typeof reason>>);
}

const accessSchema = z.strictObject(accessFields);

/** How upstream is reached, as a user declares it. */
export interface UpstreamAccessArgs {
  /**
   * For an upstream that wants to know who asks. `username` and `password` (basic authentication; of Ubuntu Pro: `bearer`
   * and the token of the service), or a `token` for `Authorization: Bearer`. Sent to the origin of `url` alone, never to
   * where a redirect leads. The password and the token are secrets.
   */
  readonly credentials?:
    | { readonly username: string; readonly password: pulumi.Input<string> }
    | { readonly token: pulumi.Input<string> }
    | undefined;
  /**
   * PEM texts of the authorities that upstream's certificate may come from, instead of those that the workstation and the
   * host trust; also for where a redirect leads.
   */
  readonly ca?: string | undefined;
  /** PEM texts of the certificate (and its chain) and the private key that an https upstream asks for. The key is secret. */
  readonly clientCertificate?:
    | { readonly certificate: string; readonly key: pulumi.Input<string> }
    | undefined;
  /**
   * The HTTP proxy through which the mirror's host reaches upstream: `http://` or `https://` with host and port. The
   * password is secret; `ca` is for the certificate of an https proxy.
   * @default none
   */
  readonly proxy?:
    | {
        readonly url: string;
        readonly credentials?:
          | { readonly username: string; readonly password: pulumi.Input<string> }
          | undefined;
        readonly ca?: string | undefined;
      }
    | undefined;
  /**
   * Bytes a second that each transfer must bring on average, measured over `stallSeconds` (at least 30): what is slower is given
   * up, so that no transfer lasts for ever. With `parallel` transfers at once they share the line. @default 500
   */
  readonly slowestBytesPerSecond?: number | undefined;
}

/** Arguments whose secrets have stand-ins: whether the rest is right can be said before they are known. */
export function withoutSecrets<Args extends { readonly upstream?: UpstreamAccessArgs | undefined }>(
  args: Args,
): Args {
  const { upstream } = args;
  if (!upstream) return args;
  return { ...args, upstream: mapSecrets(upstream, (secret) => (isPlain(secret) ? secret : givenLater)) };
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

function mapSecrets<Args extends UpstreamAccessArgs>(
  upstream: Args,
  change: (secret: unknown) => unknown,
): Args {
  const { credentials: who, clientCertificate: own, proxy } = upstream;
  const changed = <T extends object>(holder: T | undefined, ...keys: string[]) =>
    holder &&
    Object.fromEntries(
      Object.entries(holder).map(([key, value]) => [key, keys.includes(key) ? change(value) : value]),
    );
  return {
    ...upstream,
    ...(who ? { credentials: changed(who, "password", "token") } : {}),
    ...(own ? { clientCertificate: changed(own, "key") } : {}),
    ...(proxy
      ? {
          proxy: {
            ...proxy,
            ...(proxy.credentials ? { credentials: changed(proxy.credentials, "password") } : {}),
          },
        }
      : {}),
  } as Args;
}

/**
 * An access with its secrets in clear, for a lookup that runs in the program, checked again. It is a promise and no output:
 * what is found out with a secret is no secret itself.
 *
 * @throws ExplainedError where a secret is known only after an update, or is not of its form
 */
export async function knownAccess(upstream: UpstreamAccessArgs): Promise<UpstreamAccess> {
  const { credentials: who, ca, clientCertificate: own, proxy, slowestBytesPerSecond } = upstream;
  const declared = pulumi.output({
    credentials: who,
    ca,
    clientCertificate: own,
    proxy,
    slowestBytesPerSecond,
  });
  if (!(await (declared as unknown as { readonly isKnown: Promise<boolean> }).isKnown)) {
    throw new ExplainedError({
      step: "looking at upstream",
      found: "its credentials, or the key of its certificate, are not known before the update",
      remedy: "Set them in the stack's configuration, as secrets: a preview reads upstream with them.",
      values: ["upstream.credentials", "upstream.clientCertificate", "upstream.proxy.credentials"],
    });
  }
  const values = await new Promise<unknown>((resolve) => {
    declared.apply(resolve);
  });
  const result = accessSchema.safeParse(JSON.parse(JSON.stringify(values)));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = `upstream.${issue?.path.join(".")}`;
  throw new ExplainedError({
    step: "checking how upstream is reached",
    found: `${path} ${issue?.message}`,
    remedy: "Correct it.",
    values: [path],
  });
}

/** The inputs of a content resource that say how upstream is fetched from: `fetch`, and `secrets` where there are any. */
export function fetchInputs(
  {
    parallel,
    stallSeconds,
    ...checked
  }: UpstreamAccess & { readonly parallel: number; readonly stallSeconds: number },
  given: UpstreamAccessArgs,
) {
  const { open } = splitSecrets(checked);
  // As they were given, so that what is known late, or is marked as secret, stays so.
  const { secrets } = splitSecrets(given as UpstreamAccess);
  return { fetch: { parallel, stallSeconds, ...open }, ...(secrets ? { secrets } : {}) };
}

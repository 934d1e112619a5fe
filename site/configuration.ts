import * as pulumi from "@pulumi/pulumi";
import { shownInput } from "../errors/shown-address.ts";
import { pathText } from "../errors/wrong-input.ts";
import { mayBeShown, plainSecrets } from "./plain-secrets.ts";
import { type Site, siteSchema } from "./site.ts";

/**
 * The stack's configuration as a site. One error lists all faults, each with the path of the value in the stack file.
 *
 * @throws pulumi.RunError before any resource is declared.
 */
export function readSite(project = pulumi.getProject(), stack = pulumi.getStack()): Site {
  const config = new pulumi.Config(project);
  const given = Object.fromEntries(
    configuredKeys(project).map((key) => [key, parsed(config.require(key))] as const),
  );
  const file = `Pulumi.${stack}.yaml`;
  const result = siteSchema.safeParse(given);
  const faults = [
    ...(result.error?.issues ?? []),
    ...plainSecrets(given, {
      project,
      stack,
      file,
      isEncrypted: (key) => encryptedKeys().includes(`${project}:${key}`),
      // A password in upstream's URL is refused even if it is encrypted. The schema reports that already.
    }).filter(({ path }) => !isUpstreamAddress(path)),
  ];
  if (result.success && faults.length === 0) return result.data;
  const lines = faults.map(({ path, message }) => {
    const value = valueAt(given, path);
    const shown = mayBeShown(path, value) ? ` ${JSON.stringify(shownValue(path, value))}` : "";
    return `  ${file}: ${project}${path.length > 0 ? `:${pathText(path)}` : ""}:${shown} ${message}`;
  });
  throw new pulumi.RunError(`The configuration of the stack ${stack} cannot be used:\n${lines.join("\n")}`);
}

function isUpstreamAddress(path: readonly PropertyKey[]): boolean {
  return /\.upstream\.(proxy\.)?url$/.test(pathText(path));
}

/** A value in the place of an address, or in the form of one, may contain a password in an unexpected format. */
function shownValue(path: readonly PropertyKey[], value: string): string {
  return /url$|proxy/i.test(pathText(path)) || /:\/\/|:[^\s]*@/.test(value) ? shownInput(value) : value;
}

/** The engine gives these keys to the language host, which passes them on. The SDK has no public API for them. */
function encryptedKeys(): readonly string[] {
  return JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]");
}

function configuredKeys(project: string): string[] {
  const prefix = `${project}:`;
  return Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
}

// The engine passes structured values as JSON, and plain values unchanged.
function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (here, key) => (here as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
}

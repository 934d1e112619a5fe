import * as pulumi from "@pulumi/pulumi";
import { pathText } from "../resources/kernel/check.ts";
import { type Site, siteSchema } from "./site.ts";

/**
 * The stack's configuration as a site. All that is wrong with it is said at once, each with the
 * path of the value in the stack's file.
 *
 * @throws pulumi.RunError, before anything is declared
 */
export function readSite(project = pulumi.getProject(), stack = pulumi.getStack()): Site {
  const given: Record<string, unknown> = {};
  const config = new pulumi.Config(project);
  for (const key of configuredKeys(project)) given[key] = parsed(config.require(key));
  const result = siteSchema.safeParse(given);
  if (result.success) return result.data;
  const file = `Pulumi.${stack}.yaml`;
  const lines = result.error.issues.map((issue) => {
    const value = valueAt(given, issue.path);
    const shown =
      typeof value === "string" && !secret.test(pathText(issue.path)) ? ` ${JSON.stringify(value)}` : "";
    return `  ${file}: ${project}:${pathText(issue.path)}:${shown} ${issue.message}`;
  });
  throw new pulumi.RunError(`The configuration of the stack ${stack} cannot be used:\n${lines.join("\n")}`);
}

// A proxy's URL may hold a password.
const secret = /\.(tls\.key|apiKey|http_proxy)$/;

function configuredKeys(project: string): string[] {
  const prefix = `${project}:`;
  return Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
}

// The engine hands over structured values as JSON and plain ones as they are.
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

import { z } from "zod";
import { digestOf } from "../../../values/digest.ts";
import { type DeclaredPath, rootFile } from "../ledger/declared-path.ts";
import type { FoundPath, FoundPaths } from "../ledger/path-probe.ts";
import type { FoundService, FoundServices } from "./service-probe.ts";

const digests = z
  .record(
    z.string().regex(/^\/[^\0]+$/, "must be the absolute path of a file"),
    z.string().regex(/^[0-9a-f]{64}$/, "must be a sha256 in lower-case hexadecimal digits"),
  )
  .default({});

/** How a unit is declared. */
export const serviceSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      "Whether it starts at boot. Units that cannot be enabled (static, generated) count as enabled. A masked unit is unmasked, unless enabled and running are both false.",
    ),
  running: z
    .boolean()
    .default(true)
    .describe("Whether it runs. Use false for a service that ends by itself (Type=oneshot)."),
  unit: z
    .string()
    .min(1, "must be the text of a unit file")
    .optional()
    .describe("The unit file, written to /etc/systemd/system. Leave it out for a unit of a package."),
  dropIns: z
    .record(
      z.string().regex(/^[A-Za-z0-9_.@-]+\.conf$/, "must be a file name that ends in .conf"),
      z.string(),
    )
    .default({})
    .describe('Drop-ins by file name, e.g. { "limits.conf": "[Service]\\nLimitNOFILE=65536\\n" }.'),
  reloadOn: digests.describe(
    "Files that the service reads, by path, with the sha256 of their content. If the running service has not loaded that content, it is reloaded (restarted, if it cannot reload).",
  ),
  restartOn: digests.describe(
    "The same for files that the service only reads when it starts: it is restarted.",
  ),
});

export type Service = z.output<typeof serviceSchema>;

/** The unit file and drop-ins. */
export function ownFiles(unit: string, { unit: content, dropIns }: Service): DeclaredPath[] {
  return [
    ...(content === undefined ? [] : [rootFile(unitPath(unit), content)]),
    ...Object.entries(dropIns).map(([name, text]) => rootFile(dropInPath(unit, name), text)),
  ];
}

function unitPath(unit: string): string {
  return `/etc/systemd/system/${unit}`;
}

function dropInPath(unit: string, name: string): string {
  return `/etc/systemd/system/${unit}.d/${name}`;
}

/** The paths of the unit file and drop-ins that are as declared. */
export function filesAsDeclared(unit: string, wanted: Service, there: Service | undefined): string[] {
  const hasUnit = wanted.unit !== undefined && there?.unit === wanted.unit;
  const dropIns = Object.entries(wanted.dropIns).filter(([name, text]) => there?.dropIns[name] === text);
  return [...(hasUnit ? [unitPath(unit)] : []), ...dropIns.map(([name]) => dropInPath(unit, name))];
}

/** The digests of the files of `reloadOn` and `restartOn`, by path. */
export function watchedFiles(service: Service): Record<string, string> {
  return { ...service.reloadOn, ...service.restartOn };
}

/** The files that a service loads when it starts or reloads, each with the digest of its declared content. */
function loadedFiles(unit: string, service: Service): [path: string, digest: string][] {
  return [
    ...(service.unit === undefined ? [] : [[unitPath(unit), digestOf(service.unit)] as [string, string]]),
    ...Object.entries(service.dropIns).map(([name, text]): [string, string] => [
      dropInPath(unit, name),
      digestOf(text),
    ]),
    ...Object.entries(watchedFiles(service)),
  ];
}

/** The same, in the form for settle_service in services.sh. */
export function loadedBy(unit: string, service: Service): string {
  return loadedFiles(unit, service)
    .map(([path, digest]) => `${digestOf(path)} ${digest}`)
    .join("\n");
}

/**
 * The change for a running unit.
 *
 * @param before The service as observed now, and as declared or observed before the update.
 * @param unloaded Files that it has not loaded.
 */
export function changeFor(
  unit: string,
  wanted: Service,
  before: readonly (Service | undefined)[],
  unloaded: ReadonlySet<string>,
): "none" | "reload" | "restart" {
  const differs = (there: Readonly<Record<string, string>>, set: Readonly<Record<string, string>>) =>
    Object.keys(set).some((key) => there[key] !== set[key]);
  const known = before.filter((service) => service !== undefined);
  if (known.length === 0) return "reload";
  const reloads = Object.keys(wanted.reloadOn);
  const restarts =
    loadedFiles(unit, wanted).some(([path]) => unloaded.has(path) && !reloads.includes(path)) ||
    known.some(
      (there) =>
        there.unit !== wanted.unit ||
        differs(there.dropIns, wanted.dropIns) ||
        differs(wanted.dropIns, there.dropIns) ||
        differs(there.restartOn, wanted.restartOn),
    );
  if (restarts) return "restart";
  const reload =
    reloads.some((path) => unloaded.has(path)) ||
    known.some((there) => differs(there.reloadOn, wanted.reloadOn));
  return reload ? "reload" : "none";
}

/** A unit in the form of its declaration, and further problems as clauses for messages. */
export function observedService(
  unit: string,
  wanted: Service,
  found: FoundService,
  { digests: now, loaded }: FoundServices,
  paths: FoundPaths,
): { readonly service: Service; readonly faults: readonly string[]; readonly unloaded: ReadonlySet<string> } {
  const faults: string[] = [];
  const unloaded = new Set<string>();
  const loadedBefore = (path: string) => loaded.get(unit)?.get(digestOf(path));
  const text = (path: string): string | undefined => {
    const at = paths.at.get(path);
    const old = loadedBefore(path);
    if (at && found.running === true && old !== undefined && old !== at.digest) unloaded.add(path);
    return at && shownFile(at);
  };
  const watched = (set: Readonly<Record<string, string>>) =>
    defined(
      Object.entries(set).map(([path, declared]) => {
        if (!wanted.running) return [path, declared];
        const there = now.get(path);
        if (there !== undefined && there !== loadedBefore(path)) unloaded.add(path);
        return [path, there];
      }),
    );
  const isEnabled = needsNoChange(found.enabled, wanted) ? wanted.enabled : found.enabled;
  if (typeof isEnabled === "string") faults.push(`is ${isEnabled}`);
  const isRunning = found.running === "failed" && !wanted.running ? false : found.running;
  if (typeof isRunning === "string") faults.push(`is ${found.runningText ?? isRunning}`);
  const content = wanted.unit === undefined ? undefined : text(unitPath(unit));
  return {
    service: {
      enabled: isEnabled === true,
      running: isRunning === true,
      ...(content === undefined ? {} : { unit: content }),
      dropIns: defined(Object.keys(wanted.dropIns).map((name) => [name, text(dropInPath(unit, name))])),
      reloadOn: watched(wanted.reloadOn),
      restartOn: watched(wanted.restartOn),
    },
    faults,
    unloaded,
  };
}

/** States that are neither enabled nor disabled, and need no change for the declared value. */
function needsNoChange(enabled: FoundService["enabled"], wanted: Service): boolean {
  if (enabled === "by others") return true;
  if (wanted.enabled) return false;
  if (enabled === "linked-runtime") return true;
  return !wanted.running && (enabled === "masked" || enabled === "masked-runtime");
}

function shownFile(at: FoundPath): string {
  if (at.type !== "file") return `(${at.what})`;
  if (at.mode !== "0644" || at.owner !== "root" || at.group !== "root") {
    return `(mode ${at.mode}, owner ${at.owner}:${at.group}) ${at.content ?? ""}`;
  }
  return at.content ?? "(cannot be read)";
}

function defined(entries: readonly (readonly [string, string | undefined])[]): Record<string, string> {
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { quote, sh } from "../../hosts/shell.ts";
import { digestOf } from "../../values/digest.ts";
import { defineResource, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { resourceClass } from "../kernel/resource.ts";
import { type DeclaredPath, rootFile } from "./ledger/declared-path.ts";
import { pathClaims } from "./ledger/path-claims.ts";
import { type FoundPath, type FoundPaths, pathProbe } from "./ledger/path-probe.ts";
import { type FoundService, type FoundServices, serviceProbe } from "./services/service-probe.ts";
import { servicesReport } from "./services/services-report.ts";

const functions = readFileSync(join(import.meta.dirname, "services", "services.sh"), "utf8");

const digests = z
  .record(
    z.string().regex(/^\/[^\0]+$/, "must be the absolute path of a file"),
    z.string().regex(/^[0-9a-f]{64}$/, "must be a sha256 in lower-case hexadecimal digits"),
  )
  .default({});

const schema = z.strictObject({
  host: hostInput,
  services: z
    .record(
      z
        .string()
        .max(255)
        .regex(
          /^[A-Za-z0-9:_.\\@-]+\.(service|socket|timer|path|mount|automount|swap|target|slice)$/,
          "must be the full name of a systemd unit, such as nginx.service",
        ),
      z.strictObject({
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
      }),
    )
    .describe("Units of any kind by their full names, such as nginx.service."),
});

type Inputs = z.output<typeof schema>;
type Service = Inputs["services"][string];

/** By unit, the files whose current content the running service has not loaded. */
type Unloaded = ReadonlyMap<string, ReadonlySet<string>>;

export const services = defineResource({
  kind: "Services",
  version: 1,
  inputs: schema,
  outputs: z.object({}),
  status: { units: "in order", loaded: "the files as they are" },

  async observe(context, declared) {
    const units = Object.keys(declared.services);
    const watched = Object.values(declared.services).flatMap((service) => Object.keys(watchedFiles(service)));
    const [paths, found] = await Promise.all([
      context.host.facts(pathProbe(context.id, unitFiles(declared))),
      context.host.facts(serviceProbe(context.id, units, watched)),
    ]);
    const exists = found.claimed || units.length === 0 || found.services.size > 0;
    if (!exists) return undefined;
    const observed = units.flatMap((unit): [string, ReturnType<typeof observedService>][] => {
      const service = found.services.get(unit);
      const wanted = declared.services[unit] as Service;
      return service ? [[unit, observedService(unit, wanted, service, found, paths)]] : [];
    });
    const faults = observed.flatMap(([unit, { faults }]) => faults.map((fault) => `${unit} ${fault}`));
    const unloaded: Unloaded = new Map(observed.map(([unit, each]) => [unit, each.unloaded]));
    const stale = observed.flatMap(([unit, each]) =>
      each.unloaded.size > 0 ? [`${unit} has not loaded ${[...each.unloaded].join(", ")}`] : [],
    );
    return {
      inputs: {
        host: declared.host,
        services: Object.fromEntries(observed.map(([unit, { service }]) => [unit, service])),
      },
      outputs: {},
      status: {
        ...(faults.length > 0 ? { units: faults.join("; ") } : {}),
        ...(stale.length > 0 ? { loaded: stale.join("; ") } : {}),
      },
      facts: unloaded,
    };
  },

  async apply(context, wanted, observed, previous) {
    const units = Object.keys(wanted.services);
    const settle = units.map((unit) => {
      const service = wanted.services[unit] as Service;
      const before = [observed?.inputs.services[unit], previous?.services[unit]];
      const change = changeFor(unit, service, before, observed?.facts?.get(unit) ?? new Set());
      return sh`settle_service ${unit} ${String(service.enabled)} ${String(service.running)} ${change} ${loadedBy(unit, service)}`;
    });
    const files = unitFiles(wanted);
    const there = new Set(observed ? asDeclared(wanted, observed.inputs) : []);
    await change(
      context,
      units,
      wanted,
      files,
      ({ path }) => !there.has(path),
      settle,
      `setting up ${units.join(", ")}`,
    );
    return {};
  },

  async remove(context, declared) {
    const step = `restoring ${Object.keys(declared.services).join(", ")}`;
    try {
      await change(context, [], { ...declared, services: {} }, [], () => false, [], step);
    } catch (error) {
      throw error instanceof PartlyApplied ? error.cause : error;
    }
  },
});

function unitFiles(inputs: Inputs): DeclaredPath[] {
  return Object.entries(inputs.services).flatMap(([unit, service]) => ownFiles(unit, service));
}

function ownFiles(unit: string, { unit: content, dropIns }: Service): DeclaredPath[] {
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

/** The unit files and drop-ins that are as declared. */
function asDeclared(wanted: Inputs, observed: Inputs): string[] {
  return Object.entries(wanted.services).flatMap(([unit, { unit: content, dropIns }]) => {
    const there = observed.services[unit];
    return [
      ...(content !== undefined && there?.unit === content ? [unitPath(unit)] : []),
      ...Object.entries(dropIns)
        .filter(([name, text]) => there?.dropIns[name] === text)
        .map(([name]) => dropInPath(unit, name)),
    ];
  });
}

function watchedFiles(service: Service): Record<string, string> {
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

function loadedBy(unit: string, service: Service): string {
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
function changeFor(
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
function observedService(
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

async function change(
  context: ResourceContext,
  units: readonly string[],
  wanted: Inputs,
  files: readonly DeclaredPath[],
  differs: (file: DeclaredPath) => boolean,
  settle: readonly string[],
  step: string,
): Promise<void> {
  const claims = pathClaims(context.id, files, differs);
  const declarations = units.map((unit) => {
    const { enabled, running } = wanted.services[unit] as Service;
    return sh`${unit} ${`enabled ${enabled} running ${running}`}`;
  });
  const script = [
    claims.prologue,
    `units=${quote(` ${units.join(" ")} `)}`,
    functions,
    "lock_services",
    "lock_ledger",
    ...declarations.map((words) => `check_service ${words}`),
    ...declarations.map((words) => `claim_service ${words}`),
    ...units.flatMap((unit) =>
      ownFiles(unit, wanted.services[unit] as Service).map(
        ({ path }) => sh`note_running ${unit} ${digestOf(path)} ${path}`,
      ),
    ),
    "each_unwanted step_down",
    claims.body,
    "take_in_unit_files",
    "each_unwanted put_service_back",
    ...settle,
    "close_services",
    "",
  ].join("\n");
  try {
    const result = await context.host.run(script, { allowFailure: true, step });
    const report = servicesReport(claims, result);
    for (const warning of report.warnings) context.warn(warning);
    if (report.error) throw report.error;
  } catch (error) {
    throw new PartlyApplied(error as Error, {});
  }
}

/**
 * Systemd units that one component needs on a host. When the resource is removed, their original state is restored:
 * enabled or not, masked, running or not; unit files and drop-ins are removed. Two resources may declare the same unit
 * if `enabled` and `running` are the same.
 *
 *     new Services("web", {
 *       host: "mirror.dc1",
 *       services: { "nginx.service": { reloadOn: { "/etc/nginx/conf.d/mirror.conf": digestOf(siteText) } } },
 *     });
 *
 * @throws ExplainedError, with the last lines of the unit's journal, for a unit that does not start, ends soon after
 * the start, or refuses its configuration on a reload (it then continues with the old one); for a unit that does not
 * exist.
 */
export class Services extends resourceClass(services) {}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { quote, sh } from "../../hosts/shell.ts";
import { defineResource, type HostInputs, PartlyApplied, type Scene } from "../kernel/definition.ts";
import { DefinedResource } from "../kernel/resource.ts";
import { type DeclaredPath, sha256 } from "./ledger/declared-path.ts";
import { pathClaims } from "./ledger/path-claims.ts";
import { type FoundPath, type FoundPaths, pathProbe } from "./ledger/path-probe.ts";
import { type FoundService, type FoundServices, serviceProbe } from "./services/service-probe.ts";
import { servicesReport } from "./services/services-report.ts";

const functions = readFileSync(join(import.meta.dirname, "services", "services.sh"), "utf8");

/** A systemd unit of any kind. */
export interface DeclaredService {
  /**
   * Whether it starts with the host. Units that cannot be enabled by themselves (static, generated) count as
   * enabled. A masked unit is unmasked, unless it is neither to be enabled nor to run. @default true
   */
  readonly enabled?: pulumi.Input<boolean>;
  /** Whether it runs. Use `false` for a service that only runs for a moment (`Type=oneshot`). @default true */
  readonly running?: pulumi.Input<boolean>;
  /** The unit file, written to /etc/systemd/system. Leave it out for a unit that a package brings. */
  readonly unit?: pulumi.Input<string>;
  /** Drop-ins by file name, e.g. `{ "limits.conf": "[Service]\nLimitNOFILE=65536\n" }`. */
  readonly dropIns?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * Files that the service reads, by path, with the sha256 of what they should hold. When the running service
   * has not taken in just that, it is reloaded (restarted, if it cannot reload).
   */
  readonly reloadOn?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The same for files that the service only reads when it starts: it is restarted. */
  readonly restartOn?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

export interface ServicesArgs {
  /** The machine, as one would name it after `ssh`. Another host replaces the resource. */
  readonly host: pulumi.Input<string>;
  /** By the unit's full name. @example { "nginx.service": { reloadOn: { "/etc/nginx/conf.d/a.conf": digest } } } */
  readonly services: pulumi.Input<Record<string, pulumi.Input<DeclaredService>>>;
}

const digests = z
  .record(
    z.string().regex(/^\/[^\0]+$/, "must be the absolute path of a file"),
    z.string().regex(/^[0-9a-f]{64}$/, "must be a sha256 in lower-case hexadecimal digits"),
  )
  .default({});

const schema = z.strictObject({
  host: z.string().min(1, "must name a host"),
  services: z.record(
    z
      .string()
      .max(255)
      .regex(
        /^[A-Za-z0-9:_.\\@-]+\.(service|socket|timer|path|mount|automount|swap|target|slice)$/,
        "must be the full name of a systemd unit, such as nginx.service",
      ),
    z.strictObject({
      enabled: z.boolean().default(true),
      running: z.boolean().default(true),
      unit: z.string().min(1, "must hold a unit file").optional(),
      dropIns: z
        .record(
          z.string().regex(/^[A-Za-z0-9_.@-]+\.conf$/, "must be a file name that ends in .conf"),
          z.string(),
        )
        .default({}),
      reloadOn: digests,
      restartOn: digests,
    }),
  ),
});

type Inputs = z.output<typeof schema> & HostInputs;
type Service = Inputs["services"][string];

export const services = defineResource<Inputs, Record<string, never>>({
  kind: "Services",
  version: 1,
  inputs: schema,

  async observe(scene, declared) {
    const units = Object.keys(declared.services);
    const watched = Object.values(declared.services).flatMap((service) => Object.keys(watchedFiles(service)));
    const [paths, found] = await Promise.all([
      scene.host.facts(pathProbe(scene.id, unitFiles(declared))),
      scene.host.facts(serviceProbe(scene.id, units, watched)),
    ]);
    const isThere = found.claimed || units.length === 0 || found.services.size > 0;
    if (!isThere) return undefined;
    const observed = units.flatMap((unit) => {
      const service = found.services.get(unit);
      const wanted = declared.services[unit] as Service;
      return service ? [[unit, observedService(unit, wanted, service, found, paths)]] : [];
    });
    return { inputs: { host: declared.host, services: Object.fromEntries(observed) }, outputs: {} };
  },

  async apply(scene, wanted, observed, previous) {
    const units = Object.keys(wanted.services);
    const settle = units.map((unit) => {
      const service = wanted.services[unit] as Service;
      const before = [observed?.inputs.services[unit], previous?.services[unit]];
      return sh`settle_service ${unit} ${String(service.enabled)} ${String(service.running)} ${changeFor(service, before)} ${loadedBy(unit, service)}`;
    });
    const files = unitFiles(wanted);
    const there = new Set(observed ? asDeclared(wanted, observed.inputs) : []);
    await change(
      scene,
      units,
      wanted,
      files,
      ({ path }) => !there.has(path),
      settle,
      `bringing up ${units.join(", ")}`,
    );
    return {};
  },

  async remove(scene, declared) {
    const step = `putting ${Object.keys(declared.services).join(", ")} back as found`;
    try {
      await change(scene, [], { ...declared, services: {} }, [], () => false, [], step);
    } catch (error) {
      throw error instanceof PartlyApplied ? error.cause : error;
    }
  },
});

function unitFiles(inputs: Inputs): DeclaredPath[] {
  return Object.entries(inputs.services).flatMap(([unit, service]) => ownFiles(unit, service));
}

function ownFiles(unit: string, { unit: content, dropIns }: Service): DeclaredPath[] {
  const file = (path: string, text: string): DeclaredPath => ({
    type: "file",
    path,
    content: text,
    mode: "0644",
    owner: "root",
    group: "root",
  });
  return [
    ...(content === undefined ? [] : [file(unitPath(unit), content)]),
    ...Object.entries(dropIns).map(([name, text]) => file(dropInPath(unit, name), text)),
  ];
}

function unitPath(unit: string): string {
  return `/etc/systemd/system/${unit}`;
}

function dropInPath(unit: string, name: string): string {
  return `/etc/systemd/system/${unit}.d/${name}`;
}

/** Said behind what a file holds: it then differs from any declaration, so that the next update tends to it. */
const notTakenIn = " (which the running service has not taken in)";

/** The unit files and drop-ins on which nothing has to be done. */
function asDeclared(wanted: Inputs, observed: Inputs): string[] {
  return Object.entries(wanted.services).flatMap(([unit, { unit: content, dropIns }]) => {
    const there = observed.services[unit];
    const isSame = (text: string | undefined, declared: string) =>
      text === declared || text === `${declared}${notTakenIn}`;
    return [
      ...(content !== undefined && isSame(there?.unit, content) ? [unitPath(unit)] : []),
      ...Object.entries(dropIns)
        .filter(([name, text]) => isSame(there?.dropIns[name], text))
        .map(([name]) => dropInPath(unit, name)),
    ];
  });
}

function watchedFiles(service: Service): Record<string, string> {
  return { ...service.reloadOn, ...service.restartOn };
}

/** The files a service takes in when it starts or reloads, each with the digest of what it should hold. */
function takenIn(unit: string, service: Service): [path: string, digest: string][] {
  return [
    ...(service.unit === undefined ? [] : [[unitPath(unit), sha256(service.unit)] as [string, string]]),
    ...Object.entries(service.dropIns).map(([name, text]): [string, string] => [
      dropInPath(unit, name),
      sha256(text),
    ]),
    ...Object.entries(watchedFiles(service)),
  ];
}

function loadedBy(unit: string, service: Service): string {
  return takenIn(unit, service)
    .map(([path, digest]) => `${sha256(path)} ${digest}`)
    .join("\n");
}

/** What has to happen to a unit that runs already, judged by what was observed now and before the update. */
function changeFor(wanted: Service, before: readonly (Service | undefined)[]): "none" | "reload" | "restart" {
  const differs = (there: Readonly<Record<string, string>>, set: Readonly<Record<string, string>>) =>
    Object.keys(set).some((key) => there[key] !== set[key]);
  const known = before.filter((service) => service !== undefined);
  if (known.length === 0) return "reload";
  const restarts = known.some(
    (there) =>
      there.unit !== wanted.unit ||
      differs(there.dropIns, wanted.dropIns) ||
      differs(wanted.dropIns, there.dropIns) ||
      differs(there.restartOn, wanted.restartOn),
  );
  if (restarts) return "restart";
  return known.some((there) => differs(there.reloadOn, wanted.reloadOn)) ? "reload" : "none";
}

function observedService(
  unit: string,
  wanted: Service,
  found: FoundService,
  { digests: now, loaded }: FoundServices,
  paths: FoundPaths,
): Service {
  const takenInBefore = (path: string) => loaded.get(unit)?.get(sha256(path));
  const text = (path: string): string | undefined => {
    const at = paths.at.get(path);
    const old = takenInBefore(path);
    const isTakenIn = found.running !== true || old === undefined || old === at?.digest;
    return at && `${shownFile(at)}${isTakenIn ? "" : notTakenIn}`;
  };
  const watched = (set: Readonly<Record<string, string>>) =>
    defined(
      Object.entries(set).map(([path, declared]) => {
        if (!wanted.running) return [path, declared];
        const there = now.get(path);
        return [path, there && (there === takenInBefore(path) ? there : `${there}${notTakenIn}`)];
      }),
    );
  const content = wanted.unit === undefined ? undefined : text(unitPath(unit));
  return {
    // What the state cannot say with a boolean is said in words, which differ from either.
    enabled: (isAsWanted(found.enabled, wanted) ? wanted.enabled : found.enabled) as boolean,
    running: (found.running === "failed" && !wanted.running
      ? false
      : (found.runningText ?? found.running)) as boolean,
    ...(content === undefined ? {} : { unit: content }),
    dropIns: defined(Object.keys(wanted.dropIns).map((name) => [name, text(dropInPath(unit, name))])),
    reloadOn: watched(wanted.reloadOn),
    restartOn: watched(wanted.restartOn),
  };
}

/** States that are neither enabled nor disabled, and on which nothing has to be done for what is wanted. */
function isAsWanted(enabled: FoundService["enabled"], wanted: Service): boolean {
  if (enabled === "by others") return true;
  if (wanted.enabled) return false;
  if (enabled === "(linked-runtime)") return true;
  return !wanted.running && (enabled === "(masked)" || enabled === "(masked-runtime)");
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
  scene: Scene,
  units: readonly string[],
  wanted: Inputs,
  files: readonly DeclaredPath[],
  differs: (file: DeclaredPath) => boolean,
  settle: readonly string[],
  step: string,
): Promise<void> {
  const claims = pathClaims(scene.id, files, differs);
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
        ({ path }) => sh`note_running ${unit} ${sha256(path)} ${path}`,
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
    const result = await scene.host.run(script, { allowFailure: true, step });
    const report = servicesReport(claims, result);
    for (const warning of report.warnings) scene.warn(warning);
    if (report.error) throw report.error;
  } catch (error) {
    throw new PartlyApplied(error as Error, {});
  }
}

/**
 * Systemd units that one component needs on a host. When the resource goes, they are put back as they were
 * found: enabled or not, masked, running or not; unit files and drop-ins are taken away. Two resources may
 * declare the same unit as long as they agree on `enabled` and `running`.
 *
 *     new Services("web", {
 *       host: "mirror.dc1",
 *       services: { "nginx.service": { reloadOn: { "/etc/nginx/conf.d/mirror.conf": sha256(siteText) } } },
 *     });
 *
 * @throws ExplainedError, with the last lines of the unit's journal, for a unit that does not start, ends right
 * after it started, or refuses its configuration on a reload (it then serves on as before); for one that is not there.
 */
export class Services extends DefinedResource {
  constructor(name: string, args: ServicesArgs, options?: pulumi.CustomResourceOptions) {
    super(services, name, args, [], options);
  }
}

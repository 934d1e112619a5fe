import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { quote, sh } from "../../hosts/shell.ts";
import { digestOf } from "../../values/digest.ts";
import { defineResource, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { resourceClass } from "../kernel/resource.ts";
import type { DeclaredPath } from "./ledger/declared-path.ts";
import { pathClaims } from "./ledger/path-claims.ts";
import { pathProbe } from "./ledger/path-probe.ts";
import { serviceProbe } from "./services/service-probe.ts";
import { servicesReport } from "./services/services-report.ts";
import {
  changeFor,
  filesAsDeclared,
  loadedBy,
  observedService,
  ownFiles,
  type Service,
  serviceSchema,
  watchedFiles,
} from "./services/unit.ts";

const functions = readFileSync(join(import.meta.dirname, "services", "services.sh"), "utf8");

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
      serviceSchema,
    )
    .describe("Units of any kind by their full names, such as nginx.service."),
});

type Inputs = z.output<typeof schema>;

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
    const there = new Set(
      units.flatMap((unit) =>
        filesAsDeclared(unit, wanted.services[unit] as Service, observed?.inputs.services[unit]),
      ),
    );
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
    ...declarations.map((words) => `check_service ${words}`),
    claims.opening,
    ...declarations.map((words) => `claim_service ${words}`),
    ...units.flatMap((unit) =>
      ownFiles(unit, wanted.services[unit] as Service).map(
        ({ path }) => sh`note_running ${unit} ${digestOf(path)} ${path}`,
      ),
    ),
    "each_unwanted step_down",
    claims.change,
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

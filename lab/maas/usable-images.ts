import { bootResources, isComplete } from "./images/boot-resources.ts";
import type { Maas } from "./maas.ts";

/** The releases that can be deployed, by operating system: those with a complete image. */
export function usableSeries(maas: Maas): ReadonlyMap<string, readonly string[]> {
  const series = new Map<string, Set<string>>();
  for (const { name, sets, bootloaderType } of bootResources(maas)) {
    if (bootloaderType !== undefined || !sets.some(isComplete)) continue;
    // An upload with a plain name belongs to the operating system `custom`.
    const [os = "", release = ""] = name.includes("/") ? name.split("/") : ["custom", name];
    series.set(os, (series.get(os) ?? new Set()).add(release));
  }
  return new Map([...series].map(([os, releases]) => [os, [...releases].sort()]));
}

import { bootResources, isComplete } from "./images/boot-resources.ts";
import type { Maas } from "./maas.ts";

/** The releases that machines can be given, by operating system: those of which a whole image is here. */
export function usableSeries(maas: Maas): ReadonlyMap<string, readonly string[]> {
  const series = new Map<string, Set<string>>();
  for (const { name, sets, bootloaderType } of bootResources(maas)) {
    if (bootloaderType !== undefined || !sets.some(isComplete)) continue;
    // What was uploaded under a plain name is of the operating system `custom`.
    const [os = "", release = ""] = name.includes("/") ? name.split("/") : ["custom", name];
    series.set(os, (series.get(os) ?? new Set()).add(release));
  }
  return new Map([...series].map(([os, releases]) => [os, [...releases].sort()]));
}

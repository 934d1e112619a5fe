import { DefinitionProvider } from "../../../../../resources/kernel/provider.ts";
import { note } from "./note.ts";

/**
 * The state loads this file by its path, as it loads the project's own kinds from its resources/provider.ts.
 */
export function handler(kind: string): DefinitionProvider {
  if (kind !== note.kind) throw new Error(`this fixture knows no ${kind}`);
  return new DefinitionProvider(note);
}

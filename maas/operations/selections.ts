import { z } from "zod";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";

const schema = z.looseObject({
  id: z.int(),
  os: z.string(),
  release: z.string(),
  arches: z.array(z.string()),
  subarches: z.array(z.string()).default([]),
  labels: z.array(z.string()).default([]),
});

/** A selection in MAAS. */
export interface Selection extends MaasSelection {
  readonly id: number;
}

export async function listSelections(maas: MaasReader, source: number): Promise<Selection[]> {
  const step = `reading the selections of the boot source ${source} of MAAS`;
  const answer = await maas.get(`boot-sources/${source}/selections/`, { step });
  return checkedAnswer(z.array(schema), answer, step).map(selectionOf);
}

/**
 * Selects a release. MAAS refuses this with "no available images for download" until it has read the source's index,
 * which it does some time after the source was created: check `MaasRefusal.says`, and retry.
 */
export async function createSelection(
  maas: MaasClient,
  source: number,
  fields: MaasSelection,
): Promise<Selection> {
  const step = `selecting ${fields.os}/${fields.release} from the boot source ${source} of MAAS`;
  const answer = await maas.post(`boot-sources/${source}/selections/`, { step, body: { json: fields } });
  return selectionOf(checkedAnswer(schema, answer, step));
}

export async function updateSelection(
  maas: MaasClient,
  source: number,
  id: number,
  fields: MaasSelection,
): Promise<Selection> {
  const step = `changing the selection of ${fields.os}/${fields.release} from the boot source ${source} of MAAS`;
  const answer = await maas.put(`boot-sources/${source}/selections/${id}/`, { step, body: { json: fields } });
  return selectionOf(checkedAnswer(schema, answer, step));
}

/** MAAS before 3.8 refuses this for the commissioning release. */
export async function deleteSelection(maas: MaasClient, source: number, id: number): Promise<void> {
  const step = `deleting the selection ${id} of the boot source ${source} of MAAS`;
  await maas.delete(`boot-sources/${source}/selections/${id}/`, { step });
}

function selectionOf({ id, os, release, arches, subarches, labels }: z.output<typeof schema>): Selection {
  return { id, os, release, arches, subarches, labels };
}

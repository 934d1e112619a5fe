import { z } from "zod";
import type { Host } from "../../../hosts/host.ts";
import { parsedAs } from "../published-tree/published.ts";
import { customImageSchema } from "./tree.ts";

const schema = z.object({
  updated: z.string().refine((text) => /^\d{4}-/.test(text) && !Number.isNaN(Date.parse(text))),
  image: customImageSchema.extend({
    serial: z.string().regex(/^\d{8}([.]\d{1,6})?$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});

/** The data of the published version that the next version of an image needs. */
export type KeptCustomImage = z.output<typeof schema>;

/**
 * The published version of an image, from its host.
 *
 * @throws ExplainedError if it was not written by an update.
 */
export function checkedKeptImage(host: Host, directory: string, summary: unknown): KeptCustomImage {
  return parsedAs(schema, summary, host, `${directory}/current/summary.json`);
}

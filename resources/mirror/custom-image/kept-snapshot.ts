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

/** What the next version of an image needs to know of the published one. */
export type KeptCustomImage = z.output<typeof schema>;

/**
 * What a host says of the published version of an image.
 *
 * @throws ExplainedError where no update has written that
 */
export function checkedKeptImage(host: Host, directory: string, summary: unknown): KeptCustomImage {
  return parsedAs(schema, summary, host, `${directory}/current/summary.json`);
}

import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasReader } from "../client.ts";

const schema = z.looseObject({ version: z.string(), subversion: z.string().default("") });

/** A version of MAAS, from `GET version/`. */
export interface MaasVersion {
  /** `3.6.5`, `3.8.0~beta6`. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

export async function readVersion(maas: MaasReader): Promise<MaasVersion> {
  const step = "reading the version of MAAS";
  const { version } = checkedAnswer(schema, await maas.get("version/", { step }), step);
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return { text: version, major: Number(major ?? 0), minor: Number(minor ?? 0) };
}

/** Negative, zero or positive if the version is older than, equal to or newer than `major.minor`. */
export function comparedTo(version: MaasVersion, major: number, minor: number): number {
  return version.major - major || version.minor - minor;
}

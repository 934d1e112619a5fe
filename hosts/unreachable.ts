import { ExplainedError } from "../errors/explained-error.ts";

/** The host cannot be reached, or no longer: the one failure that trying again later may mend by itself. */
export class Unreachable extends ExplainedError {}

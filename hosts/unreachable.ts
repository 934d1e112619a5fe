import { ExplainedError } from "../errors/explained-error.ts";

/** The host cannot be reached, or no longer: the one failure that trying again later may mend by itself. */
export class Unreachable extends ExplainedError {}

/** ssh's configuration does not lead to the host: trying again helps only after it is corrected. */
export class SshConfigurationError extends ExplainedError {}

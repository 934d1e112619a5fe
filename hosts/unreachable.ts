import { ExplainedError } from "../errors/explained-error.ts";

/** The host cannot be reached, or the connection was lost: the only failure that a retry may solve. */
export class Unreachable extends ExplainedError {}

/** The ssh configuration does not lead to the host: a retry helps only after it is corrected. */
export class SshConfigurationError extends ExplainedError {}
